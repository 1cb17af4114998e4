"""What is written is read: a guest comes out of its document as it went in."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.command import environment
from tests.support.models import differing, filled_guest, guests, is_part, parts_of
from virsh_nova import model
from virsh_nova.document import decode
from virsh_nova.document.decode import decoded_guest
from virsh_nova.document.encode import guest_document, whole_document
from virsh_nova.model import Guest
from virsh_nova.render.serial import as_json


def read(document: dict[str, Any]) -> Guest:
    return decoded_guest(json.dumps(document).encode())


@settings(max_examples=60)
@given(guests(), st.booleans())
def test_a_guest_comes_back_as_it_was(guest: Guest, ascii_only: bool) -> None:
    document = whole_document(guest)
    text = as_json([document], one_a_line=True, ascii_only=ascii_only)
    assert json.loads(text) == [document]
    assert decoded_guest(text.removeprefix("[\n").removesuffix("\n]\n").encode()) == guest
    listed = guest_document(guest)
    assert guest_document(read(listed)) == listed


def test_every_field_of_the_model_is_in_the_document() -> None:
    """A field that fails here is missing in encode.py, in decode.py, or in both."""
    guest = filled_guest()
    assert list(differing(guest, read(whole_document(guest)), "Guest")) == []


def test_every_part_of_the_model_is_a_part_of_a_guest() -> None:
    """Else the test above would not notice that a part is in no document."""
    known = {part for part in vars(model).values() if is_part(part)}
    apart = known - set(parts_of(Guest))
    # What a guest is made of on the way; the guest has all their fields but the head's XML.
    assert {part.__name__ for part in apart} == {"Head", "Judgement", "Sighting"}
    assert {*model.Sighting._fields, *model.Judgement._fields} <= set(Guest._fields)


def test_what_a_document_of_an_earlier_version_lacks_is_unknown() -> None:
    document = whole_document(filled_guest())
    later = ("host_guessed", "reason", "pid", "faults", "block", "definitions")
    guest = read({key: value for key, value in document.items() if key not in later})
    assert (guest.host_guessed, guest.reason, guest.faults) == (False, None, ())
    assert guest.definitions == ()
    assert guest.block is not None
    assert (guest.block.xml, guest.block.faults) == ("", ())
    # The pid has always been there, among the hardware.
    assert guest.pid == document["pid"]


def test_a_host_name_says_that_it_is_guessed_only_where_it_is() -> None:
    guest = filled_guest()
    assert guest_document(guest)["host_guessed"] is True
    assert "host_guessed" not in guest_document(guest._replace(host_guessed=False))


def test_definitions_that_are_alike_are_written_once() -> None:
    guest = filled_guest()
    live = guest.definitions[0]
    off = live.domain._replace(id=None, state=None)
    definitions = (live, live._replace(name="persistent", domain=off))
    document = whole_document(guest._replace(definitions=definitions))
    assert document["definitions"]["persistent"] == {"id": None, "state": None}


@pytest.mark.parametrize(
    "arguments",
    [("list", "-f", "json"), ("show", "-f", "json", "web-1"), ("whose", "web-1"), ("check",)],
)
def test_a_live_host_is_read_without_the_decoder(arguments: tuple[str, ...]) -> None:
    """It takes longer to import than many hosts to read."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "virsh_nova", "--demo", *arguments],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "virsh_nova.hosts.libvirt.connection" in imported
    assert not {name for name in imported if name.startswith("msgspec")}


def test_parts_that_are_read_as_they_are_have_their_fields_in_the_order_of_the_model() -> None:
    for name in (
        *("Flavor", "Image", "Identity", "Root", "Address"),
        *("Disk", "Interface", "HostDevice", "FileSystem"),
    ):
        assert getattr(decode, f"_{name}").__struct_fields__ == getattr(model, name)._fields, name
