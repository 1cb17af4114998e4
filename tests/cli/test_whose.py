"""``whose`` on the example host: lines, JSON, stdin, colours, and what it says when it fails."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import command, environment, nova_domains, output
from tests.support.embedded import block, guest, make_host, uuid_of
from tests.support.terminals import SGR, on_terminal

WEB = "8dabf68e-2eb7-4728-afea-875e75365e14"
WEB_LINE = f"web-1 (running) · project acme-shop · user alice · instance-0000002a · {WEB}"


def said(*arguments: str, **changes: str) -> str:
    return output("--demo", "whose", *arguments, **changes)


def piped(text: str | bytes, *arguments: str, **changes: str) -> str:
    done = subprocess.run(
        command("--demo", "whose", *(arguments or ("-",))),
        input=text if isinstance(text, bytes) else text.encode(),
        env=environment(**changes),
        capture_output=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode()


def test_a_line_says_what_it_is_and_whose() -> None:
    port = "58294a90-c1b8-4f1a-b323-691b19f9cbef"
    assert said("tap58294a90-c1") == f"tap58294a90-c1 → {WEB_LINE} · port {port}\n"


@pytest.mark.parametrize(
    "handle",
    ["8dabf68e", "instance-0000002a", "fa-16-3e-ce-86-1e", "10.20.0.11", "2001:DB8:20::/64",
     "web-1", f"/var/lib/nova/instances/{WEB}/disk", "58294a90-c1", "name:web-1"],
)  # fmt: skip
def test_every_handle_leads_to_the_same_guest(handle: str) -> None:
    assert WEB_LINE in said(handle)


def test_foreign_guests_show_their_manager_and_those_without_a_block_their_evidence() -> None:
    lines = said("instance-00000019", "guestfs-x9d2kq7w1mzt4r8e", "jumphost").splitlines()
    assert "(running) · Nova's, no metadata · 3e44bc05" in lines[0]
    assert lines[0].endswith("evidence: sysinfo product OpenStack Nova")
    assert "manager libguestfs · 895434b4" in lines[1]
    assert "evidence: virtio channel" in lines[1]
    assert lines[2] == (
        "jumphost → jumphost (shutoff) · manager unknown · eebb6992-d1bd-47f0-99e7-121cec7f6b9e"
        " · domain name"
    )


def test_json_has_an_answer_for_each_guest() -> None:
    documents: list[dict[str, Any]] = json.loads(said("acme-shop", "10.20.0.11", "-f", "json"))
    assert [one["handle"] for one in documents] == ["acme-shop"] * 3 + ["10.20.0.11"]
    assert list(documents[0]) == ["handle", "kind", "value", "detail", "guest"]
    listed = json.loads(nova_domains("--demo", "list", "-f", "json").stdout)
    (web,) = [guest for guest in listed if guest["uuid"] == WEB]
    # list stops at the block; whose reads on and finds more evidence. Each reads at its own time.
    found = documents[-1]["guest"]
    assert found == {**web, "evidence": found["evidence"], "read_at": found["read_at"]}


def test_a_handle_without_a_match_is_an_error_and_the_others_are_answered() -> None:
    done = nova_domains("--demo", "whose", "nobody-here", "web-1", "tap58294a90-c2")
    assert done.returncode == 1
    assert done.stdout == f"web-1 → {WEB_LINE} · display name\n"
    first, *rest = done.stderr.splitlines()
    assert first == "nova-domains: error: no guest matches 'nobody-here'"
    assert rest[-2] == "nova-domains: error: no guest matches 'tap58294a90-c2'"
    assert rest[-1].startswith("nova-domains: hint: did you mean 'tap58294a90-c1'")


def test_json_without_a_match_is_an_empty_array() -> None:
    done = nova_domains("--demo", "whose", "nobody", "-f", "json")
    assert (done.returncode, json.loads(done.stdout)) == (1, [])


def test_a_bare_number_can_still_be_a_flavor() -> None:
    assert said("3").endswith(" · libvirt id\n")
    assert said("flavor:3").count(" · flavor m1.medium\n") == 2
    lost = nova_domains("--demo", "whose", "pid:3", "id:77", "424242")
    assert lost.returncode == 1
    assert lost.stderr.count("run it on the host itself") == 2


def test_missing_handles_are_a_usage_error() -> None:
    assert nova_domains("--demo", "whose").returncode == 2


# ---- stdin ------------------------------------------------------------------------------------


def test_text_is_annotated_and_passed_through() -> None:
    text = 'Bridge br-int\n\tPort "tap58294a90-c1"\n\nweb-1\nlast'
    assert piped(text) == (
        f'Bridge br-int\n\tPort "tap58294a90-c1"   ← {WEB_LINE}\n\nweb-1   ← {WEB_LINE}\nlast\n'
    )


def test_what_acts_on_a_terminal_is_escaped() -> None:
    assert piped(b"a\x1b[31m\xff\x9b\xc2\x9b\rb\n") == "a\\x1b[31m\\xff\\x9b\\x9b\\rb\n"


def test_handles_and_stdin_together() -> None:
    assert piped("x\n", "web-1", "-") == f"web-1 → {WEB_LINE} · display name\nx\n"
    (one,) = json.loads(piped("see tap58294a90-c1\nno\n", "-f", "json", "-"))
    assert (one["handle"], one["kind"]) == ("tap58294a90-c1", "tap")
    assert piped("", "-f", "json", "-") == "[]\n"
    assert piped("") == ""


def test_each_line_is_answered_as_it_comes() -> None:
    with subprocess.Popen(
        command("--demo", "whose", "-"),
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for _ in range(2):
            process.stdin.write("IP 10.20.0.11.22 > 10.9.9.9.1: Flags\n")
            process.stdin.flush()
            assert process.stdout.readline().endswith(f"← {WEB_LINE}\n")
        process.stdin.close()
        assert process.wait(timeout=60) == 0


def test_an_endless_line_passes_in_pieces() -> None:
    text = "x " * 100_000 + "web-1"
    assert piped(text).replace("\n", "") == text


def test_without_utf8_the_arrows_are_ascii() -> None:
    text = said("web-1", LC_ALL="C", PYTHONCOERCECLOCALE="0", PYTHONUTF8="0")
    assert text.isascii()
    assert "web-1 -> web-1 (running), project acme-shop, user alice, " in text


# ---- terminals and hostile names --------------------------------------------------------------


def test_colours_appear_on_a_terminal_only() -> None:
    code, text = on_terminal("--demo", "whose", "web-1", columns=60)
    assert code == 0
    assert "\x1b[" in text
    assert SGR.sub("", text).splitlines() == [
        "web-1  display name",
        "  web-1  running  project acme-shop  user alice",
        f"  instance-0000002a  {WEB}",
    ]
    assert "\x1b[" not in on_terminal("--demo", "whose", "--no-color", "web-1")[1]


def test_a_name_cannot_act_or_imitate(tmp_path: Path) -> None:
    name = "a\x9b31m\u202e (x, running) · project admin"
    host = make_host(tmp_path, guest(1, metadata=block(name)))
    done = nova_domains("-c", host, "whose", uuid_of(1), name)
    assert done.returncode == 0
    shown = '"a\\x9b31m\\u202e (x, running) · project admin"'
    assert done.stdout.splitlines()[0] == (
        f"{uuid_of(1)} → {shown} (running) · owner not recorded · instance-00000001"
        f" · {uuid_of(1)} · uuid"
    )


def test_rows_for_scripts_have_the_columns_asked_for() -> None:
    assert said("10.20.0.11", "-f", "value") == (
        f"10.20.0.11\tip\t10.20.0.11\tweb-1\trunning\tacme-shop\talice\tinstance-0000002a\t{WEB}\n"
    )
    assert said("web-1", "-f", "csv", "-c", "handle", "-c", "uuid") == (
        f'"handle","uuid"\n"web-1","{WEB}"\n'
    )
    assert piped("see 10.20.0.11\nno\n", "-f", "value", "-c", "name", "-") == "web-1\n"


def test_a_column_needs_a_format_with_columns() -> None:
    done = nova_domains("--demo", "whose", "web-1", "-c", "uuid")
    assert done.returncode == 2
    assert "--column does not go with -f table" in done.stderr
