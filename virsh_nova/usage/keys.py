"""What guests can be added up by: the keys that ``--by`` takes."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import NamedTuple

from ..guests.naming import name_or_id
from ..model import Guest, Identity, Instance

FOREIGN = "foreign"
UNREADABLE = "unreadable"


class Label(NamedTuple):
    """What one guest has for a key."""

    text: str
    """For a reader: a name, or why there is none."""
    id: str | None = None
    """What identifies it where a name does not: of a project or a user."""
    known: bool = True
    """False where the text only says why there is nothing."""
    named: bool = True
    """False where the text is the id because Nova knew no name."""

    @property
    def identity(self) -> tuple[bool, str]:
        """Guests of one identity are added up. Two projects may have one name."""
        return self.known, self.id or self.text

    @property
    def rank(self) -> int:
        """Its place among others, before size counts: what is not Nova's comes last."""
        if self.known:
            return 0
        return {FOREIGN: 2, UNREADABLE: 3}.get(self.text, 1)


class Key(NamedTuple):
    name: str
    """As ``--by`` takes it."""
    label: Callable[[Guest], Label]
    has_id: bool = False

    @property
    def title(self) -> str:
        return self.name.replace("-", " ").upper()

    @property
    def field(self) -> str:
        """In the document."""
        return self.name.replace("-", "_")


def _missing(text: str) -> Label:
    return Label(text, known=False)


def _recorded(get: Callable[[Instance], Label | None], nothing: str) -> Callable[[Guest], Label]:
    """What only the block knows, which only Nova's guests have."""

    def label(guest: Guest) -> Label:
        found = get(guest.instance) if guest.instance else None
        if found is not None:
            return found
        if guest.kind in (FOREIGN, UNREADABLE):
            return _missing(guest.kind)
        return _missing(nothing)

    return label


def _identity(identity: Identity | None) -> Label | None:
    text = name_or_id(identity)
    if identity is None or not text:
        return None
    return Label(text, identity.id, named=identity.name == text)


def _image(instance: Instance) -> Label | None:
    if instance.root is not None and instance.root.type == "volume":
        return _missing("boots from a volume")
    image = (instance.image.uuid if instance.image else None) or (
        instance.root.uuid if instance.root else None
    )
    return Label(image) if image else None


KEYS = {
    key.name: key
    for key in (
        Key(
            "project",
            _recorded(lambda of: _identity(of.owner and of.owner.project), "no owner recorded"),
            has_id=True,
        ),
        Key(
            "user",
            _recorded(lambda of: _identity(of.owner and of.owner.user), "no owner recorded"),
            has_id=True,
        ),
        Key(
            "flavor",
            _recorded(
                lambda of: Label(of.flavor.name) if of.flavor and of.flavor.name else None,
                "no flavor recorded",
            ),
        ),
        Key("image", _recorded(_image, "no image recorded")),
        Key("host", lambda guest: Label(guest.host) if guest.host else _missing("no host name")),
        Key("state", lambda guest: Label(guest.state)),
        Key("kind", lambda guest: Label(guest.kind)),
        Key(
            "nova-version",
            _recorded(lambda of: Label(of.package) if of.package else None, "no version recorded"),
        ),
    )
}

DEFAULT = KEYS["project"]


def find_key(text: str) -> Key | None:
    """A key in any case, with ``_`` or a blank for ``-``."""
    return KEYS.get("-".join(text.lower().replace("_", " ").replace("-", " ").split()))


def nearest(text: str) -> str:
    """The key that was probably meant."""
    return get_close_matches(text.lower(), KEYS, n=1, cutoff=0.0)[0]
