"""Calls of libvirt that behave as on another driver, another release, or a host in trouble."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import libvirt
import pytest

Change = Callable[[type, str, Callable[..., Any]], None]


def failure(code: int, message: str = "no") -> libvirt.libvirtError:
    error = libvirt.libvirtError(message)
    error.err = (code, 0, message, 2, None, None, None, -1, -1)
    error.args = (message,)
    return error


@pytest.fixture
def change(monkeypatch: pytest.MonkeyPatch) -> Change:
    """Put a function in the place of a method, which it gets as its first argument."""

    def put(owner: type, name: str, function: Callable[..., Any]) -> None:
        real = getattr(owner, name)
        monkeypatch.setattr(
            owner, name, lambda self, *words, **named: function(real, self, *words, **named)
        )

    return put


@pytest.fixture
def unsupported(change: Change) -> Callable[[type, str], None]:
    def raises(_real: object, *_: object, **__: object) -> None:
        raise failure(libvirt.VIR_ERR_NO_SUPPORT, "this function is not supported")

    return lambda owner, name: change(owner, name, raises)


@pytest.fixture
def hang(change: Change) -> Iterator[Callable[[type, str, Callable[[Any], bool]], None]]:
    """Let a call hang for those it concerns, until the test is over."""
    over = threading.Event()

    def put(owner: type, name: str, concerns: Callable[[Any], bool]) -> None:
        def call(real: Callable[..., Any], self: Any, *words: Any, **named: Any) -> Any:
            if concerns(self):
                over.wait()
            return real(self, *words, **named)

        change(owner, name, call)

    yield put
    over.set()
