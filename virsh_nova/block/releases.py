"""What each release of Nova writes: its namespace, and which facts its block has room for."""

from __future__ import annotations

from difflib import get_close_matches
from typing import NamedTuple

from ..errors import NovaDomainsError
from ..model import Instance, Root
from .namespaces import DRAFT, NOVA_1_0, NOVA_1_1

OLDEST = 12
NEWEST = 34

_NAMES = {
    12: "liberty", 13: "mitaka", 14: "newton", 15: "ocata", 16: "pike", 17: "queens", 18: "rocky",
    19: "stein", 20: "train", 21: "ussuri", 22: "victoria", 23: "wallaby", 24: "xena", 25: "yoga",
    26: "zed", 27: "antelope", 28: "bobcat", 29: "caracal", 30: "dalmatian", 31: "epoxy",
    32: "flamingo", 33: "gazpacho", 34: "hibiscus",
}  # fmt: skip

_FIRST_WITH_PORTS = 23
_FIRST_WITH_VOLUME_ROOT = 30
_FIRST_NAMED_BY_UUID = 30
_FIRST_WITH_IMAGE = 32


class Release(NamedTuple):
    """A release of Nova, or the blueprint's draft, by what its block has room for."""

    number: int | None
    """Nova's major version; None for the draft."""
    namespace: str
    ports: bool
    volume_root: bool
    """Whether a boot from volume has a ``<root>``."""
    image: bool
    """Whether there is an ``<image>``, and the flavor has its id and extra specs."""

    def shape(self, instance: Instance) -> Instance:
        """The instance without what this release has no room for."""
        flavor, root = instance.flavor, instance.root
        if flavor is not None and not self.image:
            flavor = flavor._replace(id=None, extra_specs=None)
        if root is not None and root.type == "volume" and not self.volume_root:
            root = None
        return instance._replace(
            namespace=self.namespace,
            flavor=flavor,
            image=instance.image if self.image else None,
            root=root,
            ports=instance.ports if self.ports else None,
        )

    def habits(self, instance: Instance, uuid: str, *, unnamed: bool) -> Instance:
        """What the release changes: it names an unnamed instance, and writes the base image's uuid.

        ``uuid`` is the instance's; ``unnamed`` says that it has no name, for certain.
        """
        name, root = instance.name, instance.root
        if self.number is not None and self.number >= _FIRST_NAMED_BY_UUID:
            if unnamed and not name:
                name = uuid
        elif name == uuid:
            name = None
        base_image = instance.image.uuid if instance.image else None
        if base_image and root is not None and root.type == "image":
            root = Root("image", base_image)
        return instance._replace(name=name, root=root)


def _release(number: int) -> Release:
    return Release(
        number=number,
        namespace=NOVA_1_1 if number >= _FIRST_WITH_PORTS else NOVA_1_0,
        ports=number >= _FIRST_WITH_PORTS,
        volume_root=number >= _FIRST_WITH_VOLUME_ROOT,
        image=number >= _FIRST_WITH_IMAGE,
    )


RELEASES = {number: _release(number) for number in range(OLDEST, NEWEST + 1)}
NEWEST_RELEASE = RELEASES[NEWEST]
DRAFT_RELEASE = Release(None, DRAFT, ports=False, volume_root=True, image=False)


def release_of(namespace: str) -> Release:
    """The last release that wrote this namespace."""
    return {NOVA_1_0: RELEASES[_FIRST_WITH_PORTS - 1], DRAFT: DRAFT_RELEASE}.get(
        namespace, NEWEST_RELEASE
    )


def find_release(text: str) -> Release:
    """A release by number (``29``, ``29.4.0``), name (``caracal``, ``2024.1``), or ``draft``.

    Raises ``NovaDomainsError`` for anything else.
    """
    word = text.strip().lower()
    if word == "draft":
        return DRAFT_RELEASE
    names = _numbers_by_name()
    number = names.get(word)
    if number is None and word.split(".")[0].isdecimal() and len(word.split(".")[0]) <= 2:
        number = int(word.split(".")[0])
    if number in RELEASES:
        return RELEASES[number]
    close = get_close_matches(word, names, n=1)
    hint = f"did you mean {close[0]!r}?" if close else "such as 29, 2024.1, caracal, or draft"
    raise NovaDomainsError(
        f"{text!r} is not a release of Nova from {OLDEST} ({coordinated_name(OLDEST)}) "
        f"to {NEWEST} ({coordinated_name(NEWEST)})",
        hint,
    )


def coordinated_name(number: int) -> str:
    """The name by year that OpenStack gives its releases: two a year, ``2024.1`` being 29."""
    halves = number - 29
    return f"{2024 + halves // 2}.{halves % 2 + 1}"


def _numbers_by_name() -> dict[str, int]:
    by_year = {coordinated_name(number): number for number in RELEASES}
    return by_year | {name: number for number, name in _NAMES.items()}
