"""The plan that undoes a run: from its journal and the guests as they are now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..block.compare import bare, same
from ..block.namespaces import BACKFILL
from ..model import Definition, Guest
from ..quoting import quoted
from .journal_format import JournalGuest, Run
from .plan import Edit, Notice, Plan, Step, unreadable


class _Changed(Exception):
    """A definition has neither what the run wrote nor what was there before; the reason."""


def make_undo_plan(host: str | None, guests: Iterable[Guest], run: Run) -> Plan:
    """One step for each guest of the run, in the run's order.

    A guest that was changed after the run is left alone, and so is one that holds its old metadata.
    """
    by_uuid = {guest.uuid: guest for guest in guests}
    steps = []
    notices = []
    for written in run.guests:
        guest = by_uuid.get(written.uuid)
        if guest is None and not written.may_be_written:
            continue
        if guest is None:
            text = f"{quoted(written.domain)} ({written.uuid}) is no longer here"
            notices.append(Notice("missing", written.uuid, text))
        else:
            steps.append(_step(guest, written))
    return Plan(host, tuple(steps), tuple(notices))


def found_as_before(plan: Plan, run: Run) -> frozenset[str]:
    """The guests of the run that are as they were before it: nothing to restore."""
    unchanged = {step.guest.uuid for step in plan.steps if step.action == "unchanged"}
    return frozenset(
        unchanged.union(guest.uuid for guest in run.guests if not guest.may_be_written)
    )


def _step(guest: Guest, written: JournalGuest) -> Step:
    if not written.may_be_written:
        return Step(guest, "unchanged", "the run did not write to it")
    if why := unreadable(guest):
        return Step(guest, "refused", why)
    edits: list[Edit] = []
    for definition in guest.definitions:
        own = [edit for edit in written.edits if edit.definition == definition.name]
        if definition.name in written.definitions:
            # One that the run did not write to has no edits, and is not touched.
            try:
                edits += _way_back(definition, own)
            except _Changed as reason:
                return Step(guest, "refused", str(reason))
        else:
            # Perhaps the guest was started from what the run wrote to the other definition.
            try:
                edits += _way_back(definition, written.edits)
            except _Changed:
                continue
    if not edits:
        return Step(guest, "unchanged", "it is as it was before the run")
    return Step(guest, "stamp", edits=tuple(edits))


def _way_back(definition: Definition, edits: Sequence[Edit]) -> list[Edit]:
    """The edits that give the definition what it held before; raises ``_Changed``."""
    back: list[Edit] = []
    lacks_mark = False
    for edit in edits:
        current = _held(definition, edit.namespace)
        now = None if current is None else bare(current, edit.namespace)
        is_mark = edit.namespace == BACKFILL
        if same(now, edit.after, edit.namespace):
            if lacks_mark and not same(edit.after, edit.before, edit.namespace):
                # The mark goes first when the run writes, and last when an undo removes both.
                raise _Changed(f"its block was not written by the run ({definition.name})")
            back.append(Edit(definition.name, edit.namespace, edit.prefix, now, edit.before))
        elif same(now, edit.before, edit.namespace):
            lacks_mark |= is_mark
        else:
            what = "its backfill mark" if is_mark else "its block"
            raise _Changed(f"{what} was changed after the run ({definition.name})")
    # What was written last goes first: a block is never there without its mark.
    return back[::-1]


def _held(definition: Definition, namespace: str) -> str | None:
    if namespace == BACKFILL:
        return definition.domain.backfill_xml
    blocks = definition.domain.blocks
    return next((block.xml for block in blocks if block.namespace == namespace), None)
