"""The block by itself: whether it exists, is intact and current, and names the owner."""

from __future__ import annotations

from collections.abc import Iterator

from ..block.backfill import backfill_of
from ..block.compare import same
from ..block.namespaces import NAMESPACE_STEM, NAMESPACES
from ..block.releases import NEWEST
from ..block.schema import misfit
from ..guests.build import counting_block
from ..guests.naming import NO_NAME
from ..model import Block, Domain, Guest, Identity
from ..quoting import quoted
from .finding import Finding, found
from .remedies import Remedies
from .versions import version_of

_MOST_FIELDS = 6


def examine_block(guest: Guest, remedies: Remedies) -> Iterator[Finding]:
    """Findings from the block of one of Nova's guests alone."""
    blocks = list(_blocks(guest))
    yield from _presence(guest, remedies)
    for where, domain, block in blocks:
        if block.faults or block.instance is None:
            faults = block.faults or ("no part of it can be read",)
            yield found(
                "block-damaged",
                guest,
                *(f"{where}{fault}" for fault in faults),
                command=remedies.overwrite(guest),
            )
        elif why := misfit(block, backfilled=_is_backfilled(guest, domain, block)):
            version = version_of(block.instance.package)
            newer = version is not None and version[0] > NEWEST
            yield found(
                "block-unfit",
                guest,
                *(f"{where}{phrase}" for phrase in why),
                severity="note" if newer else None,
                command=remedies.overwrite(guest),
            )
    yield from _namespaces(guest, remedies)
    yield from _differences(guest)
    yield from _owner(guest, remedies)


def _blocks(guest: Guest) -> Iterator[tuple[str, Domain | None, Block]]:
    """Each block once: if both definitions have the same, that of the live one."""
    if not guest.definitions:
        if guest.block is not None:
            yield "", None, guest.block
        return
    seen: list[Block] = []
    for definition in guest.definitions:
        where = f"{definition.name}: " if len(guest.definitions) > 1 else ""
        for block in definition.domain.blocks:
            alike = any(
                other.namespace == block.namespace and same(other.xml, block.xml, block.namespace)
                for other in seen
            )
            if not alike:
                seen.append(block)
                yield where, definition.domain, block


def _is_backfilled(guest: Guest, domain: Domain | None, block: Block) -> bool:
    if domain is None:
        return guest.backfill is not None
    return backfill_of(block, domain.backfill_xml) is not None


def _presence(guest: Guest, remedies: Remedies) -> Iterator[Finding]:
    holding = [d.name for d in guest.definitions if counting_block(d.domain.blocks)]
    unknown = {
        namespace: None
        for definition in guest.definitions
        for namespace in definition.domain.namespaces
        if namespace.startswith(NAMESPACE_STEM) and namespace not in NAMESPACES
    }
    if unknown:
        yield found("unknown-namespace", guest, *unknown)
    elif guest.block is None and not holding:
        yield found("no-block", guest, *guest.evidence[:2], command=remedies.write(guest))
    elif holding and len(holding) < len(guest.definitions):
        lacking = [d.name for d in guest.definitions if d.name not in holding]
        yield found(
            "block-in-one-definition",
            guest,
            f"the {holding[0]} definition has it, the {lacking[0]} one does not",
            command=remedies.write(guest),
        )


def _namespaces(guest: Guest, remedies: Remedies) -> Iterator[Finding]:
    for definition in guest.definitions:
        namespaces = [block.namespace for block in definition.domain.blocks]
        if len(namespaces) > 1:
            yield found(
                "several-namespaces",
                guest,
                f"{definition.name}: {' and '.join(namespaces[:3])}",
                command=remedies.overwrite(guest),
            )
            break
    if guest.block is not None and guest.block.namespace in NAMESPACES[1:]:
        yield found(
            "older-namespace", guest, guest.block.namespace, command=remedies.overwrite(guest)
        )


def _differences(guest: Guest) -> Iterator[Finding]:
    held = [definition for definition in guest.definitions if definition.domain.blocks]
    if guest.differences and len(held) > 1:
        fields = [difference.field for difference in guest.differences]
        named = ", ".join(fields[:_MOST_FIELDS])
        if len(fields) > _MOST_FIELDS:
            named += f" and {len(fields) - _MOST_FIELDS} more"
        yield found("definitions-differ", guest, named)


def _named(identity: Identity) -> str:
    name = (identity.name or "").strip()
    return f"is named {name}" if name else "has no name"


def _owner(guest: Guest, remedies: Remedies) -> Iterator[Finding]:
    instance = guest.instance
    if instance is None:
        return
    owner = instance.owner
    identities: dict[str, Identity | None] = {
        "user": owner.user if owner else None,
        "project": owner.project if owner else None,
    }
    lacking = [who for who, identity in identities.items() if not (identity and identity.id)]
    if lacking:
        yield found(
            "owner-unknown",
            guest,
            "no owner" if len(lacking) == 2 else f"no id of the {lacking[0]}",
            command=remedies.fill(guest),
        )
        return
    unnamed = [
        f"the {who} {quoted(identity.id or '')} {_named(identity)}"
        for who, identity in identities.items()
        if identity and (identity.name or "").strip() in NO_NAME
    ]
    if unnamed:
        yield found("owner-unnamed", guest, *unnamed)
