"""Carry out a plan: check each guest, write, read back; several at once, independently."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Protocol

from ..block.compare import same
from ..block.namespaces import BACKFILL
from ..errors import GuestError, HostError, NovaDomainsError
from ..model import DefinitionName
from .journal import Journal
from .journal_format import Outcome
from .plan import Edit, Step

# Enough to keep the daemon busy while it waits for the disk; more bring little.
AT_ONCE = 6
# Seconds after which a guest no longer counts among them, so that the others go on.
_STUCK_AFTER = 1.0
# Each stuck guest holds one of the daemon's threads (20 by default) until libvirt gives up.
_MOST_WRITERS = 16
_TURN = 0.05

PATIENCE = 35.0
"""Seconds to wait for one guest. libvirt itself gives up on a stuck QEMU after 30."""


class GuestWriter(Protocol):
    """Metadata of one host's guests; ``hosts.libvirt`` has the real one."""

    def is_running(self, uuid: str) -> bool: ...

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
    """The outcomes of a plan."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []
        self.lost: HostError | None = None
        """Why the host could no longer be written to."""
        self.interrupted = False


def apply(
    steps: Sequence[Step],
    open_writer: Callable[[bool], GuestWriter],
    journal: Journal,
    *,
    patience: float = PATIENCE,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Applied:
    """Write to every guest of the plan; the journal was begun with the same steps.

    ``open_writer`` is called with whether the writer needs a connection of its own.

    Ctrl-C finishes the guests being written to and skips the others; a second one gives up on
    those too. Raises nothing for a guest that fails, nor for a host that is lost.
    """
    return _Application(steps, open_writer, journal, patience, progress).run()


class _Application:
    def __init__(
        self,
        steps: Sequence[Step],
        open_writer: Callable[[bool], GuestWriter],
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
        """Held to start a guest, and to report its outcome."""
        self.ending = False
        """No other guest is started."""
        self.presses = 0
        """How often Ctrl-C was pressed."""
        self.in_hand: dict[int, float] = {}
        """The guests being written to, by the number of their step, and since when."""
        self.working = 0
        self.writers = 0
        self.finished = threading.Event()
        self.answers: SimpleQueue[Outcome | HostError] = SimpleQueue()
        """Outcomes, and why the host is lost."""

    def run(self) -> Applied:
        with self._counting_interrupts():
            for _ in range(min(AT_ONCE, len(self.steps))):
                self._add_writer()
            while self.presses < 2:
                # Waking up for each answer would take the interpreter from the threads that
                # write the next.
                finished = not self.steps or self.finished.wait(_TURN)
                self._take_answers()
                if finished or self._hopeless():
                    break
                self._replace_stuck()
            self.applied.interrupted = self.presses > 0
            self._settle()
        return self.applied

    @contextmanager
    def _counting_interrupts(self) -> Iterator[None]:
        """Count Ctrl-C: an exception could separate an outcome from its line in the journal."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def press(_signal: int, _frame: object) -> None:
            self.presses += 1
            self.ending = True

        before = signal.getsignal(signal.SIGINT)
        if before is signal.SIG_IGN:
            yield
            return
        signal.signal(signal.SIGINT, press)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before or signal.SIG_DFL)

    def _take_answers(self) -> None:
        outcomes: list[Outcome] = []
        while not self.answers.empty():
            answer = self.answers.get()
            if isinstance(answer, HostError):
                self.applied.lost = self.applied.lost or answer
                self.ending = True
            else:
                outcomes.append(answer)
        self._record(outcomes)

    def _hopeless(self) -> bool:
        """Whether all remaining guests have used up their time."""
        now = time.monotonic()
        with self.lock:
            begun = list(self.in_hand.values())
            idle = self.working - len(begun)
        return bool(begun) and not idle and all(now - since >= self.patience for since in begun)

    def _replace_stuck(self) -> None:
        """Replace the threads that wait for a guest that does not answer."""
        now = time.monotonic()
        with self.lock:
            begun = list(self.in_hand.values())
        if self.ending or len(self.applied.outcomes) + len(begun) >= len(self.steps):
            return
        stuck = sum(now - since >= min(_STUCK_AFTER, self.patience / 2) for since in begun)
        with self.lock:
            missing = min(AT_ONCE - (self.working - stuck), _MOST_WRITERS - self.writers)
        for _ in range(missing):
            self._add_writer()

    def _settle(self) -> None:
        """Give every guest an outcome, and the journal its end. Nothing is started afterwards."""
        with self.lock:
            # From here on no thread starts a guest; those that did are in hand or have answered.
            self.ending = True
            in_hand = set(self.in_hand)
        self._take_answers()
        known = {outcome.uuid for outcome in self.applied.outcomes}
        left = []
        for index, step in enumerate(self.steps):
            uuid = step.guest.uuid
            if uuid in known:
                continue
            if index in in_hand:
                why = f"no answer from libvirt within {self.patience:g} s; it may still be written"
                left.append(Outcome(uuid, "unanswered", why))
            else:
                left.append(Outcome(uuid, "left", "the run ended before its turn"))
        self._record(left)
        lost, interrupted = self.applied.lost, self.applied.interrupted
        self.journal.end("lost" if lost else "interrupted" if interrupted else "complete")

    def _record(self, outcomes: Sequence[Outcome]) -> None:
        if not outcomes:
            return
        self.applied.outcomes += outcomes
        self.journal.outcomes(outcomes)
        if self.journal.broken:
            self.ending = True
        self.progress(len(self.applied.outcomes), len(self.steps))

    def _add_writer(self) -> None:
        with self.lock:
            self.working += 1
        self.writers += 1
        # The first ones share a connection. More get their own: the stuck ones may have used up
        # what the daemon lets one connection ask at once.
        fresh = self.writers > AT_ONCE
        threading.Thread(target=self._work, args=(fresh,), daemon=True).start()

    def _next(self) -> int | None:
        """Start the next guest; None if there is none, or the run is ending."""
        with self.lock:
            index = None if self.ending else next(self.turn, None)
            if index is not None:
                self.in_hand[index] = time.monotonic()
            return index

    def _work(self, fresh: bool) -> None:
        try:
            writer = self.open_writer(fresh)
            while (index := self._next()) is not None:
                try:
                    outcome = write(self.steps[index], writer)
                except HostError as error:
                    self.answers.put(error)
                    self.ending = True
                    why = f"the host was lost during the write: {error.message}"
                    outcome = Outcome(self.steps[index].guest.uuid, "unanswered", why)
                except Exception as error:  # One bad guest must not cost the others.
                    why = f"this should not happen: {error!r}"
                    outcome = Outcome(self.steps[index].guest.uuid, "failed", why)
                with self.lock:
                    self.answers.put(outcome)
                    del self.in_hand[index]
        except HostError as error:
            self.answers.put(error)
            self.ending = True
        finally:
            with self.lock:
                self.working -= 1
                if not self.working:
                    self.finished.set()


def write(step: Step, writer: GuestWriter) -> Outcome:
    """Write one guest: only if it is still as it was planned, and everything or nothing.

    Raises ``HostError`` when the host itself is lost.
    """
    uuid = step.guest.uuid
    done: list[list[Edit]] = []
    try:
        running = writer.is_running(uuid)
        if running != (step.guest.id is not None):
            what = "started" if running else "shut off"
            return Outcome(uuid, "changed", f"it was {what} after the plan was made")
        for edit in step.edits:
            # Our mark is never there without a block, and that is compared.
            if edit.namespace == BACKFILL and edit.before is None:
                continue
            if not same(_now(writer, uuid, edit), edit.before, edit.namespace):
                why = f"its {edit.definition} metadata changed after the plan was made"
                return Outcome(uuid, "changed", why)
        for together in _together(step.edits):
            done.append(together)
            _set(writer, uuid, together, together[0].after)
        for edit in step.edits:
            # For our own mark it is enough that libvirt accepted it.
            if edit.namespace == BACKFILL:
                continue
            now = _now(writer, uuid, edit)
            if _laid_flat(now) != edit.after and not same(now, edit.after, edit.namespace):
                raise GuestError(f"its {edit.definition} metadata reads back differently")
    except HostError:
        raise
    except NovaDomainsError as error:
        return Outcome(uuid, "failed", error.message + _take_back(writer, uuid, done))
    return Outcome(uuid, "done")


def _laid_flat(xml: str | None) -> str | None:
    """What libvirt laid out, on one line: usually the same text that was written."""
    return None if xml is None else "".join(map(str.lstrip, xml.splitlines()))


def _take_back(writer: GuestWriter, uuid: str, done: Sequence[Sequence[Edit]]) -> str:
    """Remove what was written before the failure; the text says so if that fails too."""
    try:
        for together in reversed(done):
            for edit in together:
                now = _now(writer, uuid, edit)
                if not same(now, edit.before, edit.namespace) and same(
                    now, edit.after, edit.namespace
                ):
                    _set(writer, uuid, [edit], edit.before)
    except NovaDomainsError as error:
        return f"; what was already written could not be removed: {error.message}"
    return ""


def _now(writer: GuestWriter, uuid: str, edit: Edit) -> str | None:
    return writer.metadata(uuid, edit.namespace, edit.definition)


def _set(writer: GuestWriter, uuid: str, edits: Sequence[Edit], xml: str | None) -> None:
    first = edits[0]
    definitions = [edit.definition for edit in edits]
    writer.set_metadata(uuid, first.namespace, first.prefix, xml, definitions)


def _together(edits: Sequence[Edit]) -> list[list[Edit]]:
    """Edits to make in one call: of both definitions, if they get the same."""
    groups: dict[tuple[str, str, str | None], list[Edit]] = {}
    for edit in edits:
        groups.setdefault((edit.namespace, edit.prefix, edit.after), []).append(edit)
    # The mark keeps its place before or after every block, so that a run that is killed leaves
    # no block without its mark.
    mark_first = edits[0].namespace == BACKFILL
    return sorted(groups.values(), key=lambda group: (group[0].namespace == BACKFILL) != mark_first)
