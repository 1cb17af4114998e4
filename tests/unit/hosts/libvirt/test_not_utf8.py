"""Bytes that are not UTF-8: libvirt hands on what ``virsh desc`` took, and its binding raises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import libvirt
import pytest

from virsh_nova.hosts.host import Detail
from virsh_nova.hosts.libvirt.connection import LibvirtHost
from virsh_nova.hosts.libvirt.reading import NOT_UTF8

from .conftest import Change

BAD = "instance-0000002a"
DETAILS = pytest.mark.parametrize("detail", ["domain", "whole"])


def raw(text: str) -> str:
    """As the binding decodes what the C library returns; ``X`` is the bad byte."""
    return text.encode().replace(b"X-BYTE-X", b"\xff").decode()


@pytest.fixture
def bad_description(change: Change) -> None:
    def described(
        real: Callable[..., str], domain: libvirt.virDomain, *words: Any, **named: Any
    ) -> str:
        xml = real(domain, *words, **named)
        if domain.name() != BAD:
            return xml
        xml = xml.replace("</uuid>", "</uuid><description>caf X-BYTE-X</description>", 1)
        return raw(xml)

    change(libvirt.virDomain, "XMLDesc", described)


@pytest.mark.usefixtures("bad_description")
class TestInADescription:
    @DETAILS
    def test_cost_only_themselves(self, detail: Detail) -> None:
        guests = {guest.domain: guest for guest in LibvirtHost.open_demo().guests(detail)}
        bad = guests.pop(BAD)
        assert bad.kind == "nova"
        assert bad.description == "caf \ufffd"
        assert bad.faults == (NOT_UTF8,)
        assert not [guest for guest in guests.values() if NOT_UTF8 in guest.faults]

    def test_leave_the_definitions_complete(self) -> None:
        (bad,) = LibvirtHost.open_demo().guests("whole", chosen=lambda seen: seen.domain == BAD)
        assert [definition.name for definition in bad.definitions] == ["live", "persistent"]


def test_in_a_name_are_replaced(change: Change) -> None:
    def name(real: Callable[[Any], str], domain: libvirt.virDomain) -> str:
        return raw("web-X-BYTE-X") if real(domain) == BAD else real(domain)

    change(libvirt.virDomain, "name", name)
    host = LibvirtHost.open_demo()
    assert "web-\ufffd" in {seen.domain for seen in host.sightings()}
    for detail in ("block", "domain", "whole"):
        (guest,) = host.guests(detail, chosen=lambda seen: seen.domain == "web-\ufffd")
        assert guest.kind == "nova"


def test_in_the_name_of_the_host_are_replaced(change: Change) -> None:
    change(libvirt.virConnect, "getHostname", lambda _real, _connection: raw("cmp-X-BYTE-X"))
    assert LibvirtHost.open_demo().name == "cmp-\ufffd"


def test_in_the_message_of_an_error_are_no_xml(
    change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    """libvirt's messages quote names; what raises then is the making of the error."""

    def fail(real: Callable[..., str], domain: libvirt.virDomain, *words: Any, **named: Any) -> str:
        if domain.name() != BAD:
            return real(domain, *words, **named)
        with monkeypatch.context() as patch:
            patch.setattr(libvirt.libvirtmod, "virGetLastError", lambda: raw("no X-BYTE-X"))
            raise libvirt.libvirtError("failed")

    change(libvirt.virDomain, "XMLDesc", fail)
    for detail in ("domain", "whole"):
        guests = {guest.domain: guest for guest in LibvirtHost.open_demo().guests(detail)}
        assert guests[BAD].kind == "unreadable"
        assert guests[BAD].faults == ("cannot be read: no \ufffd",)
        assert {guest.kind for guest in guests.values()} > {"unreadable"}
