"""From a plan to the guests: check, write, read back; several at once, none held up by another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from queue import Empty, SimpleQueue
from typing import Protocol

from ..canonical import same
from ..errors import GuestError, HostError, NovaDomainsError
from ..model import DefinitionName
from .journal import Journal, Outcome
from .plan import Edit, Step

# Four calls keep the daemon busy; more hardly bring anything.
AT_ONCE = 4
# A guest that takes longer no longer counts among them, so that the others go on.
_STUCK_AFTER = 1.0
# Each stuck guest keeps one of the daemon's threads (20 by default) until libvirt gives it up.
_MOST_WRITERS = 16
_TURN = 0.2

PATIENCE = 35.0
"""Seconds that one guest is waited for. libvirt itself gives up on a stuck QEMU after 30."""


class Writer(Protocol):
    """One connection to the host: ``host.Writer``."""

    def metadata(self, uuid: str, namespace: str, definition: DefinitionName) -> str | None: ...

    def set_metadata(
        self,
        uuid: str,
        namespace: str,
        prefix: str,
        xml: str | None,
        definitions: Iterable[DefinitionName],
    ) -> None: ...


class Applied:
    """What became of the steps of a plan."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []
        self.lost: HostError | None = None
        """Why the host could no longer be written to, halfway."""
        self.interrupted = False


def apply(
    steps: Sequence[Step],
    open_writer: Callable[[], Writer],
    journal: Journal,
    *,
    patience: float = PATIENCE,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Applied:
    """Write to every guest of the plan; the journal has been begun with the same steps.

    Ctrl-C lets the guests in hand be finished and leaves the others; a second one gives those in
    hand up as well. Raises nothing for a guest that fails, nor for a host that is lost.
    """
    return _Application(steps, open_writer, journal, patience, progress).run()


class _Application:
    def __init__(
        self,
        steps: Sequence[Step],
        open_writer: Callable[[], Writer],
        journal: Journal,
        patience: float,
        progress: Callable[[int, int], None],
    ) -> None:
        self.steps = steps
        self.open_writer = open_writer
        self.journal = journal
        self.patience = patience
        self.progress = progress
        self.applied = Applied()
        self.turn = iter(range(len(steps)))
        self.lock = threading.Lock()
        self.ending = False
        self.in_hand: dict[int, float] = {}
        """When each guest that is being written to was begun."""
        self.working = 0
        self.writers = 0
        self.answers: SimpleQueue[tuple[int, Outcome] | HostError | None] = SimpleQueue()
        """An outcome; why the host is lost; or None from a thread that has ended."""

    def run(self) -> Applied:
        for _ in range(min(AT_ONCE, len(self.steps))):
            self._add_writer()
        while self.working:
            try:
                self._wait()
            except KeyboardInterrupt:
                if self.applied.interrupted:
                    break
                self.applied.interrupted = self.ending = True
        self._settle()
        return self.applied

    def _wait(self) -> None:
        """One turn: take what was answered, give up who takes too long, keep the others going."""
        try:
            answer = self.answers.get(timeout=_TURN)
        except Empty:
            now = time.monotonic()
            begun = dict(self.in_hand).values()
            waiting = [since for since in begun if now - since < self.patience]
            if self.ending or len(self.applied.outcomes) + len(begun) >= len(self.steps):
                if not waiting and begun:
                    self.working = 0
            elif self.writers < _MOST_WRITERS:
                brisk = sum(now - since < _STUCK_AFTER for since in begun)
                for _ in range(AT_ONCE - brisk):
                    self._add_writer()
            return
        if answer is None:
            self.working -= 1
        elif isinstance(answer, HostError):
            self.applied.lost = self.applied.lost or answer
            self.ending = True
        else:
            index, outcome = answer
            self.in_hand.pop(index, None)
            self._record(outcome)

    def _settle(self) -> None:
        """Every guest gets an outcome, and the journal its end."""
        told = {outcome.uuid for outcome in self.applied.outcomes}
        for index, step in enumerate(self.steps):
            uuid = step.guest.uuid
            if uuid in told:
                continue
            if index in self.in_hand:
                why = (
                    f"libvirt has not answered within {self.patience:g} s; it may still be written"
                )
                self._record(Outcome(uuid, "unanswered", why))
            else:
                self._record(Outcome(uuid, "left", "the run ended before its turn"))
        lost, interrupted = self.applied.lost, self.applied.interrupted
        self.journal.end("lost" if lost else "interrupted" if interrupted else "complete")

    def _record(self, outcome: Outcome) -> None:
        self.applied.outcomes.append(outcome)
        self.journal.outcome(outcome)
        if self.journal.broken:
            self.ending = True
        self.progress(len(self.applied.outcomes), len(self.steps))

    def _add_writer(self) -> None:
        self.working += 1
        self.writers += 1
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        try:
            writer = self.open_writer()
            while not self.ending:
                with self.lock:
                    index = next(self.turn, None)
                    if index is None:
                        break
                    self.in_hand[index] = time.monotonic()
                step = self.steps[index]
                try:
                    outcome = write(step, writer)
                except HostError as error:
                    self.answers.put(error)
                    why = f"the host was lost meanwhile: {error.message}"
                    outcome = Outcome(step.guest.uuid, "unanswered", why)
                self.answers.put((index, outcome))
        except HostError as error:
            self.answers.put(error)
        finally:
            self.answers.put(None)


def write(step: Step, writer: Writer) -> Outcome:
    """Write one guest: only if it is still as the plan saw it, and all of it or nothing.

    Raises ``HostError`` when the host itself is lost.
    """
    uuid = step.guest.uuid
    done: list[list[Edit]] = []
    try:
        for edit in step.edits:
            if not same(_now(writer, uuid, edit), edit.before, edit.namespace):
                why = f"{edit.definition} metadata was changed since the plan was made"
                return Outcome(uuid, "changed", why)
        for together in _together(step.edits):
            done.append(together)
            _set(writer, uuid, together, together[0].after)
        for edit in step.edits:
            if not same(_now(writer, uuid, edit), edit.after, edit.namespace):
                raise GuestError(f"{edit.definition} metadata reads back differently")
    except HostError:
        raise
    except NovaDomainsError as error:
        return Outcome(uuid, "failed", error.message + _take_back(writer, uuid, done))
    return Outcome(uuid, "done")


def _take_back(writer: Writer, uuid: str, done: Sequence[Sequence[Edit]]) -> str:
    """What was written before the failure goes again; says so where that fails too."""
    try:
        for together in reversed(done):
            for edit in together:
                now = _now(writer, uuid, edit)
                if not same(now, edit.before, edit.namespace) and same(
                    now, edit.after, edit.namespace
                ):
                    _set(writer, uuid, [edit], edit.before)
    except NovaDomainsError as error:
        return f"; and what had been written could not be taken back: {error.message}"
    return ""


def _now(writer: Writer, uuid: str, edit: Edit) -> str | None:
    return writer.metadata(uuid, edit.namespace, edit.definition)


def _set(writer: Writer, uuid: str, edits: Sequence[Edit], xml: str | None) -> None:
    first = edits[0]
    definitions = [edit.definition for edit in edits]
    writer.set_metadata(uuid, first.namespace, first.prefix, xml, definitions)


def _together(edits: Sequence[Edit]) -> list[list[Edit]]:
    """Edits that one call makes: of both definitions, where they are to hold the same."""
    groups: dict[tuple[str, str, str | None], list[Edit]] = {}
    for edit in edits:
        groups.setdefault((edit.namespace, edit.prefix, edit.after), []).append(edit)
    return list(groups.values())
