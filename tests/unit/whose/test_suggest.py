"""A handle that fits no guest: the error says what it is, and what is close to it."""

from __future__ import annotations

import pytest

from tests.support.handles import HOST, PROCESSES
from virsh_nova.whose.index import Index
from virsh_nova.whose.suggest import no_match


def test_the_error_says_what_the_process_is() -> None:
    index = Index.of(HOST, PROCESSES.get)
    assert "is bash" in no_match("4600", index, asks_proc=True).hint
    assert "no process 1" in no_match("pid:1", index, asks_proc=True).hint
    assert no_match("5100", index, asks_proc=True).hint == "not allowed"


@pytest.mark.parametrize(
    ("handle", "close"),
    [("vm-twonet", "vm-twonets"), ("tapd45a9119-52", "tapd45a9119-51"),
     ("project:demo-projekt", "demo-project"), ("10.0.0.55", "10.0.0.5")],
)  # fmt: skip
def test_the_error_names_what_is_close(handle: str, close: str) -> None:
    assert repr(close) in no_match(handle, Index.of(HOST), asks_proc=False).hint
