"""Guests made from the annotations of the model, so that they have a new field from the start."""

from __future__ import annotations

import collections.abc
import types
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from itertools import count
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.support import strategies
from virsh_nova import model
from virsh_nova.document.encode import domain_of
from virsh_nova.guests.states import STATES, UNKNOWN_STATE
from virsh_nova.model import Definition, Difference, Domain, Guest, Port

UUID = "8dabf68e-2eb7-4728-afea-875e75365e14"


def is_part(annotation: Any) -> bool:
    """Whether it is one of the model's named tuples."""
    return isinstance(annotation, type) and hasattr(annotation, "_fields")


def fields_of(part: Any) -> dict[str, Any]:
    """The fields of a named tuple, with their annotations."""
    hints = get_type_hints(part, vars(model))
    return {field: hints[field] for field in part._fields}


def parts_of(annotation: Any) -> Iterator[Any]:
    """Every named tuple in an annotation, and in the fields of those."""
    if is_part(annotation):
        yield annotation
        for inner in fields_of(annotation).values():
            yield from parts_of(inner)
    for inner in get_args(annotation):
        yield from parts_of(inner)


# ---- any guest ---------------------------------------------------------------------------------


def any_value(annotation: Any) -> SearchStrategy[Any]:
    if annotation in _ANY:
        return _ANY[annotation]()
    if is_part(annotation):
        fields = {name: any_value(hint) for name, hint in fields_of(annotation).items()}
        return st.builds(annotation, **fields)
    kind, arguments = get_origin(annotation), get_args(annotation)
    if kind in (Union, types.UnionType):
        return st.one_of(*map(any_value, arguments))
    if kind is Literal:
        return st.sampled_from(arguments)
    if kind is tuple and arguments[1:] == (...,):
        return st.lists(any_value(arguments[0]), max_size=2).map(tuple)
    if kind is collections.abc.Mapping and arguments == (str, str):
        return strategies.mappings
    raise TypeError(f"this module has yet to learn how to make {annotation}")


def _any_difference() -> SearchStrategy[Difference]:
    """Of a leaf of an instance; its field says of what type the two values are."""
    leaves = (
        (st.just("created"), strategies.moments),
        (st.just("ports"), any_value(tuple[Port, ...])),
        (st.just("flavor.vcpus"), strategies.numbers),
        (strategies.texts().map("image.properties.{}".format), strategies.texts()),
    )
    return st.one_of(
        *(
            st.builds(Difference, field, strategies.maybe(value), strategies.maybe(value))
            for field, value in leaves
        )
    )


_ANY: dict[Any, Callable[[], SearchStrategy[Any]]] = {
    str: strategies.texts,
    int: lambda: strategies.numbers,
    bool: st.booleans,
    datetime: lambda: strategies.moments,
    type(None): st.none,
    Difference: _any_difference,
    # They are made of the guest.
    tuple[Definition, ...]: lambda: st.just(()),
}


@st.composite
def _changed(draw: st.DrawFn, domain: Domain) -> Domain:
    """A domain that differs in as little as a real guest's definitions do, or in everything."""
    if draw(st.integers(0, 3)) == 0:
        return draw(any_value(Domain))
    hints = fields_of(Domain)
    fields = draw(st.sets(st.sampled_from(Domain._fields), max_size=3))
    return domain._replace(**{field: draw(any_value(hints[field])) for field in fields})


@st.composite
def guests(draw: st.DrawFn) -> Guest:
    """Any guest that the model can hold."""
    guest: Guest = draw(any_value(Guest))
    guest = guest._replace(
        uuid=draw(strategies.uuids), state=draw(st.sampled_from((*STATES, UNKNOWN_STATE)))
    )
    definitions: list[Definition] = []
    domain = domain_of(guest)
    for name in draw(st.sampled_from(((), ("live",), ("persistent",), ("live", "persistent")))):
        domain = draw(_changed(domain))
        definitions.append(Definition(name, domain))
    return guest._replace(definitions=tuple(definitions))


# ---- a guest with everything -------------------------------------------------------------------


def filled_guest() -> Guest:
    """A guest in which no field has its default, and no value is there twice."""
    numbers = count(1)
    fill: dict[Any, Callable[[], Any]] = {
        str: lambda: f"text {next(numbers)}",
        int: lambda: next(numbers),
        bool: lambda: True,
        datetime: lambda: datetime(2026, 1, 1, tzinfo=timezone.utc) + timedelta(next(numbers)),
        object: lambda: next(numbers),
    }

    def filled(annotation: Any) -> Any:
        if annotation in fill:
            return fill[annotation]()
        if is_part(annotation):
            return annotation(
                **{name: filled(hint) for name, hint in fields_of(annotation).items()}
            )
        kind, arguments = get_origin(annotation), get_args(annotation)
        if kind in (Union, types.UnionType):
            return filled(next(each for each in arguments if each is not type(None)))
        if kind is Literal:
            return arguments[0]
        if kind is tuple:
            return (filled(arguments[0]), filled(arguments[0]))
        if kind is collections.abc.Mapping:
            return {filled(arguments[0]): filled(arguments[1])}
        raise TypeError(f"this module has yet to learn how to fill {annotation}")

    guest: Guest = filled(Guest)
    live, persistent = guest.definitions
    definitions = (live, persistent._replace(name="persistent"))
    return guest._replace(uuid=UUID, state="paused", definitions=definitions)


def differing(value: Any, other: Any, place: str) -> Iterator[str]:
    """The fields in which two values of the model differ, the innermost: ``Disk.boot``."""
    if is_part(type(value)) and type(value) is type(other):
        for field in value._fields:
            name = f"{type(value).__name__}.{field}"
            yield from differing(getattr(value, field), getattr(other, field), name)
    elif isinstance(value, tuple) and isinstance(other, tuple) and len(value) == len(other):
        for one, another in zip(value, other, strict=True):
            yield from differing(one, another, place)
    elif value != other:
        yield place
