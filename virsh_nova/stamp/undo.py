"""The plan that undoes a run: from its journal and the guests as they are now."""

from __future__ import annotations

from collections.abc import Iterable

from ..block.compare import bare, same
from ..block.namespaces import BACKFILL
from ..model import Definition, Guest
from .journal_format import JournalGuest, Run
from .plan import Edit, Notice, Plan, Step


def make_undo_plan(host: str | None, guests: Iterable[Guest], run: Run) -> Plan:
    """One step for each guest of the run, in the run's order.

    A guest that was changed after the run is left alone, and so is one that holds its old metadata.
    """
    by_uuid = {guest.uuid: guest for guest in guests}
    steps = []
    notices = []
    for entry in run.guests:
        guest = by_uuid.get(entry.uuid)
        if guest is None:
            text = f"{entry.domain} ({entry.uuid}) is no longer here"
            notices.append(Notice("missing", entry.uuid, text))
        else:
            steps.append(_step(guest, entry))
    return Plan(host, tuple(steps), tuple(notices))


def _step(guest: Guest, entry: JournalGuest) -> Step:
    edits: list[Edit] = []
    for definition in guest.definitions:
        own = [edit for edit in entry.edits if edit.definition == definition.name]
        # What stamp wrote last goes first: a block is never there without its mark.
        for edit in reversed(own or entry.edits):
            current = _held(definition, edit.namespace)
            now = None if current is None else bare(current, edit.namespace)
            if same(now, edit.after, edit.namespace):
                before, prefix = edit.before, edit.prefix
                edits.append(Edit(definition.name, edit.namespace, prefix, now, before))
            elif own and not same(now, edit.before, edit.namespace):
                what = "its backfill mark" if edit.namespace == BACKFILL else "its block"
                return Step(
                    guest, "refused", f"{what} was changed after the run ({definition.name})"
                )
            # Else it holds the old state; or the guest had no such definition then, and did not
            # start with what was written to the other.
    if not edits:
        return Step(guest, "unchanged", "it is as it was before the run")
    return Step(guest, "stamp", edits=tuple(edits))


def _held(definition: Definition, namespace: str) -> str | None:
    if namespace == BACKFILL:
        return definition.domain.backfill_xml
    blocks = definition.domain.blocks
    return next((block.xml for block in blocks if block.namespace == namespace), None)
