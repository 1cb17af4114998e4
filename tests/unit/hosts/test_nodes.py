"""Which hosts are named, and how their names fold into a set again."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet
from hypothesis import given
from hypothesis import strategies as st

from virsh_nova.hosts.nodes import checked_names, folded, node_names
from virsh_nova.hosts.template import USUAL_URI, NodesError, node_of, uri_of

PLAIN = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True)


def test_sets_and_files_add_up(tmp_path: Path) -> None:
    (tmp_path / "names").write_text("cmp-2\ncmp-9  # the last\n")
    names = node_names(["cmp-[1-2]", "gpu1"], [str(tmp_path / "names")])
    assert names == ["cmp-1", "cmp-2", "gpu1", "cmp-9"]


@pytest.mark.parametrize(
    "text",
    [
        "h[1-99999999]",
        "h[1-1000]r[1-1000]",
        "h[1-9999999999999999999999]",
        "h[1-50001,60001-120000]",
    ],
)
def test_a_set_of_too_many_names_is_refused_before_they_are_made(text: str) -> None:
    with pytest.raises(NodesError, match="more than 100000 hosts"):
        node_names([text])


def test_a_large_fleet_is_not_too_many() -> None:
    assert len(node_names(["h[00001-50000/2,60001-65000]"])) == 30_000


@pytest.mark.parametrize("text", ["2001:db8::1", "::1", "root@cmp-1", "10.0.0.7", "_x", "1"])
def test_names_of_hosts(text: str) -> None:
    assert node_names([text]) == [text]


@given(st.text(max_size=20) | st.text("ab1.-_@:[]%/?#& ", max_size=12))
def test_a_name_that_is_taken_stays_what_it_is_in_a_uri(text: str) -> None:
    """Whatever it is, it is refused, or libvirt and ssh are given that very host and no option."""
    try:
        (name,) = checked_names([text], "stdin")
    except NodesError:
        return
    host = name.rpartition("@")[2]
    assert not name.startswith("-")
    assert not host.startswith("-")
    assert node_of(uri_of(USUAL_URI, name)) == host.strip("[]")


@given(st.lists(PLAIN, min_size=1, max_size=15, unique=True))
def test_a_folded_set_names_the_same_hosts(names: list[str]) -> None:
    assert set(NodeSet(folded(names), resolver=RESOLVER_NOGROUP)) == set(names)


def test_folded() -> None:
    assert folded(["cmp-018", "cmp-017"]) == "cmp-[017-018]"
    assert folded(["cmp-1"]) == "cmp-1"
    uri = "qemu+unix:///system?socket=/x"
    assert folded([uri, "2001:db8::1"]) == f"{uri},2001:db8::1"


def test_folded_without_clustershell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ClusterShell.NodeSet", None)
    assert folded(["b", "a"]) == "b,a"
    many = [f"cmp-{number}" for number in range(25)]
    assert folded(many) == f"{','.join(many[:20])},5 more"
