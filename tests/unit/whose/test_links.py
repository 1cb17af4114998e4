"""Symbolic links are followed, and a storage that hangs is given up in time."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from virsh_nova.whose.links import RealPathsInTime


def test_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    paths = [str(tmp_path / name) for name in ("link", "loop", "nothing")]
    real = RealPathsInTime(5, pytest.fail)([*paths, "a\0b"])
    assert real[paths[0]] == str(tmp_path / "disk")
    assert real[paths[2]] == paths[2]
    assert "a\0b" not in real


def test_a_storage_that_hangs_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(os.path, "realpath", lambda _path: time.sleep(60))
    real_paths = RealPathsInTime(0.1, said.append)
    begin = time.monotonic()
    assert real_paths(["/a"]) == {}
    assert real_paths(["/b"]) == {}
    assert time.monotonic() - begin < 5
    assert len(said) == 1
    assert "does not answer" in said[0]
