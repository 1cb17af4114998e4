"""Files, pipes and standard input: bounded, and one line for what cannot be read."""

from __future__ import annotations

import io
import os
import sys
import threading
from pathlib import Path

import pytest

from tests.support.paths import API
from virsh_nova.errors import NovaDomainsError
from virsh_nova.inputs import read as sources_text
from virsh_nova.sources.read import read_records

SAMPLES = sorted(path for path in API.rglob("*") if path.is_file())
UUID = "8dabf68e-2eb7-4728-afea-875e75365e14"
OTHER = "ddda906b-56d9-43ca-bf25-26ff31a61e32"


def read_complaint(path: Path | str) -> str:
    with pytest.raises(NovaDomainsError) as caught:
        read_records(str(path))
    return caught.value.message


# ---- the file ----


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "servers.json"
    assert read_complaint(path) == f"{path}: cannot read: No such file or directory"


def test_a_path_with_a_null_byte_is_one_line() -> None:
    assert read_complaint("a\0b") == "a\0b: cannot read: a path cannot hold a null byte"


def test_a_standard_input_that_is_closed_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)  # as Python has it after `<&-`
    assert read_complaint("-") == "stdin: cannot read: it is closed"


def test_a_directory_and_a_device_are_refused(tmp_path: Path) -> None:
    assert read_complaint(tmp_path) == f"{tmp_path}: a directory, not a file"
    assert read_complaint("/dev/zero") == "/dev/zero: neither a file nor a pipe"


def test_a_file_that_cannot_be_read_is_one_line() -> None:
    # Root may read everything else.
    assert read_complaint("/proc/self/mem") == "/proc/self/mem: cannot read: Input/output error"


@pytest.mark.parametrize("content", [b"", b" \n\t\n"])
def test_an_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "f"
    path.write_bytes(content)
    assert read_complaint(path) == f"{path}: empty"


def test_a_file_of_200_mb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "f"
    with path.open("wb") as file:
        file.truncate(200 * 2**20)
    assert read_complaint(path) == f"{path}: too large: 200 MiB, and the limit is 100 MiB"


class Stdin:
    def __init__(self, data: bytes) -> None:
        self.buffer = io.BytesIO(data)


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin(b'[{"id": "%s"}]' % UUID.encode()))
    (record,) = read_records("-")
    assert (record.uuid, record.source) == (UUID, "stdin")


def test_standard_input_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources_text, "LARGEST", 2**20)
    monkeypatch.setattr(sys, "stdin", Stdin(b"x" * (2**20 + 1)))
    assert read_complaint("-") == "stdin: too large: more than 1 MiB"


def test_a_pipe_is_read(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_text, args=(f'[{{"id": "{UUID}"}}]',))
    writer.start()
    (record,) = read_records(str(path))
    writer.join()
    assert record.uuid == UUID
