"""The outline of a document claims what the whole guest does."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings

from tests.support.models import guests
from virsh_nova.check.claims import claims_of
from virsh_nova.document.decode import decoded_guest
from virsh_nova.document.encode import guest_document, whole_document
from virsh_nova.document.outline import decoded_outline
from virsh_nova.hosts.libvirt.connection import LibvirtHost
from virsh_nova.inputs.values import FieldError
from virsh_nova.model import Guest

PLACE = ("host", "uuid", "domain", "id", "state", "kind", "manager", "reason", "host_guessed")


def agree(guest: Guest) -> None:
    raw = json.dumps(whole_document(guest)).encode()
    outline, whole = decoded_outline(raw), decoded_guest(raw)
    assert list(claims_of(outline)) == list(claims_of(whole)) == list(claims_of(guest))
    for field in (*PLACE, "key", "is_novas", "certain_host", "read_at"):
        assert getattr(outline, field) == getattr(guest, field)
    package = guest.instance.package if guest.instance else None
    assert (outline.instance.package if outline.instance else None) == package


@settings(max_examples=60)
@given(guests())
def test_an_outline_claims_what_the_whole_guest_does(guest: Guest) -> None:
    agree(guest)


def test_so_do_those_of_the_example_host() -> None:
    read = LibvirtHost.open_demo().guests("whole")
    assert any(list(claims_of(guest)) for guest in read)
    for guest in read:
        agree(guest)


def test_a_listed_guest_claims_nothing() -> None:
    listed = [guest_document(each) for each in LibvirtHost.open_demo().guests("block")]
    for document in listed:
        assert list(claims_of(decoded_outline(json.dumps(document).encode()))) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [("uuid", "x"), ("kind", "unheard-of"), ("read_at", "yesterday"), ("hardware", []),
     ("domain", None)],
)  # fmt: skip
def test_what_is_no_guest_is_an_error_of_that_field(key: str, value: object) -> None:
    (guest, *_) = LibvirtHost.open_demo().guests("whole")
    raw = json.dumps({**whole_document(guest), key: value}).encode()
    for read in (decoded_outline, decoded_guest):
        with pytest.raises(FieldError) as error:
            read(raw)
        assert error.value.field == key
