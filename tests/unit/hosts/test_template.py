"""From a name to a URI, and back."""

from __future__ import annotations

import pytest

from virsh_nova.hosts.template import USUAL_URI, NodesError, node_of, uri_of, without_questions


@pytest.mark.parametrize(
    ("template", "name", "uri"),
    [
        (USUAL_URI, "cmp-1", "qemu+ssh://cmp-1/system"),
        (USUAL_URI, "cmp-1.example.org", "qemu+ssh://cmp-1.example.org/system"),
        (USUAL_URI, "root@cmp-1", "qemu+ssh://root@cmp-1/system"),
        (USUAL_URI, "2001:db8::1", "qemu+ssh://[2001:db8::1]/system"),
        (USUAL_URI, "root@2001:db8::1", "qemu+ssh://root@[2001:db8::1]/system"),
        (USUAL_URI, "[2001:db8::1]", "qemu+ssh://[2001:db8::1]/system"),
        ("qemu+ssh://root@%h:2222/system", "a", "qemu+ssh://root@a:2222/system"),
        ("qemu+ssh://%h/system?keyfile=/k/%h", "root@a", "qemu+ssh://root@a/system?keyfile=/k/a"),
        ("test:///tmp/%h/%h.xml", "a", "test:///tmp/a/a.xml"),
    ],
)
def test_the_name_takes_its_place(template: str, name: str, uri: str) -> None:
    assert uri_of(template, name) == uri


def test_two_users_are_one_too_many() -> None:
    with pytest.raises(NodesError, match="'nova@a' names a user, and so does"):
        uri_of("qemu+ssh://root@%h/system", "nova@a")


@pytest.mark.parametrize(
    ("uri", "node"),
    [
        ("qemu+ssh://cmp-1/system", "cmp-1"),
        ("qemu+ssh://root@cmp-1:22/system?command=/x@y", "cmp-1"),
        ("qemu+tls://[2001:db8::1]:16514/system", "2001:db8::1"),
        ("qemu:///system", None),
        ("/tmp/report://x", None),
        ("--demo", None),
        ("", None),
        ("qemu+ssh://[/system", None),
    ],
)
def test_the_host_that_a_uri_names(uri: str, node: str | None) -> None:
    assert node_of(uri) == node


@pytest.mark.parametrize(
    ("uri", "quiet"),
    [
        ("qemu+ssh://a/system", "qemu+ssh://a/system?no_tty=1"),
        ("qemu+ssh://a/system?socket=/x", "qemu+ssh://a/system?socket=/x&no_tty=1"),
        ("qemu+ssh://a/system#x", "qemu+ssh://a/system?no_tty=1#x"),
        ("qemu+ssh://a/system?no_tty=0", "qemu+ssh://a/system?no_tty=0"),
        ("qemu+tls://a/system", "qemu+tls://a/system"),
        ("qemu:///system", "qemu:///system"),
    ],
)
def test_ssh_asks_nothing(uri: str, quiet: str) -> None:
    assert without_questions(uri) == quiet
