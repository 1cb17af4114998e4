"""Where journals are, and their order."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.plans import begun, steps_of
from virsh_nova.stamp import journal as module
from virsh_nova.stamp.journal import (
    journals,
    make_state_folder,
    read_journal,
    state_folder,
)


def test_journals_go_to_the_state_folder_of_root_or_of_the_user(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("NOVA_DOMAINS_STATE", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert state_folder() == Path("/var/lib/nova-domains")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_STATE_HOME", "/home/joe/state")
    assert state_folder() == Path("/home/joe/state/nova-domains")
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", "/home/joe")
    assert state_folder() == Path("/home/joe/.local/state/nova-domains")
    monkeypatch.setenv("NOVA_DOMAINS_STATE", str(tmp_path / "state"))
    assert state_folder() == tmp_path / "state"
    assert make_state_folder().stat().st_mode & 0o777 == 0o700


def test_journals_come_oldest_first_and_each_has_a_name_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NOVA_DOMAINS_STATE", str(tmp_path))
    paths = []
    for _ in range(3):
        journal = begun(None, steps_of(1))
        journal.end("complete")
        paths.append(journal.path)
    (tmp_path / "lock").write_text("1\n")
    assert list(journals(tmp_path)) == paths
    assert [read_journal(found).id + module.SUFFIX for found in paths] == [p.name for p in paths]
    assert list(journals(tmp_path / "nowhere")) == []
