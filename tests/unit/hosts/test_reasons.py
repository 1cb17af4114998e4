"""Failures of many hosts in few lines."""

from __future__ import annotations

import pytest

from virsh_nova.hosts.reasons import Failure, reasons


def uri(name: str) -> str:
    return f"qemu+ssh://{name}/system"


def said(*failures: tuple[str, str]) -> list[str]:
    return list(map(str, reasons(Failure(uri(n), f"{uri(n)}: {text}") for n, text in failures)))


def test_one_reason_is_one_line() -> None:
    assert said(("cmp-1", "silent"), ("cmp-2", "silent"), ("cmp-9", "gone")) == [
        "cmp-[1-2]: silent",
        "cmp-9: gone",
    ]


def test_a_host_s_own_name_makes_no_other_reason() -> None:
    text = "ssh: connect to host {} port 22: No route to host"
    assert said(*((n, text.format(n)) for n in ("cmp-1", "cmp-2"))) == [
        f"cmp-[1-2]: {text.format('%h')}"
    ]
    assert said(("cmp-1", text.format("cmp-1"))) == [f"cmp-1: {text.format('cmp-1')}"]


def test_a_name_inside_another_stays() -> None:
    both = said(("a", "cannot find a.example.org, a-1 or banana"), ("b", "cannot find a"))
    assert len(both) == 2
    assert both[0] == "a: cannot find a.example.org, a-1 or banana"


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("test:///tmp/x/{}.xml", "failed to parse '/tmp/x/{}.xml'"),
        ("qemu+unix:///system?socket=/run/{}/sock", "cannot connect to '/run/{}/sock': refused"),
        ("qemu+ssh://{}.example.org/system", "ssh: cannot resolve {}.example.org: try again"),
        ("qemu+ssh://{}-mgmt/system", "ssh: cannot resolve {}-mgmt, for {}"),
        ("test:///tmp/{}", "{} is gone"),
    ],
)
def test_given_names_are_folded_whatever_the_uri_looks_like(template: str, text: str) -> None:
    failures = []
    for name in ("a", "b"):
        source = template.format(name)
        failures.append(Failure(source, f"{source}: {text.replace('{}', name)}", name))
    assert list(map(str, reasons(failures))) == [f"a,b: {text.replace('{}', '%h')}"]


def test_an_address_makes_no_other_reason() -> None:
    assert said(
        ("a1", "Connection closed by 10.0.0.17 port 22"),
        ("a2", "Connection closed by 2001:db8::2 port 22"),
    ) == ["a[1-2]: Connection closed by %h port 22"]


def test_how_far_a_host_came_makes_no_other_reason() -> None:
    lost = "the connection was lost{}: end of file"
    assert said(("a1", lost.format(", with 7 guests still unread")), ("a2", lost.format(""))) == [
        f"a[1-2]: {lost.format('')}"
    ]


def test_lines_of_a_message_become_one() -> None:
    assert said(("a", "one\r\n  two")) == ["a: one two"]


def test_what_names_no_host_is_named_whole() -> None:
    failure = Failure("/tmp/report", "/tmp/report: holds no domain")
    assert list(map(str, reasons([failure]))) == ["/tmp/report: holds no domain"]
