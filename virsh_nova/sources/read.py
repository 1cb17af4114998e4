"""The records in a file given with ``--from``, in any of the supported formats."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from ..inputs.decode import decode
from ..inputs.objects import Input, Item, ObjectKind, items_in, read_input, refused, unsupported
from ..inputs.values import FieldError
from .client_row import row_record
from .nova_server import server_record
from .record import Record
from .saved_document import own_record

SERVERS = ObjectKind(
    "server",
    "servers",
    "nova-domains list or show -f json|jsonl|yaml; "
    "openstack server show or list -f json|yaml (with the column ID); GET /servers/detail",
)


class _Probe(msgspec.Struct):
    """The keys that distinguish the formats."""

    id: msgspec.Raw = msgspec.Raw()
    ID: msgspec.Raw = msgspec.Raw()
    uuid: msgspec.Raw = msgspec.Raw()
    instance: msgspec.Raw = msgspec.Raw()


_PROBE = msgspec.json.Decoder(_Probe)


def read_records(path: str, wanted: Collection[str] | None = None) -> tuple[Record, ...]:
    """The records of the file at ``path``, or of standard input for ``-``, in file order.

    ``wanted`` holds the uuids, in lower case with dashes, of the guests whose facts are needed. To
    save time and memory, the other records have no facts. In our own document, a guest without a
    block gives no record. Raises ``NovaDomainsError``, which names the file, the item and the field
    in one line.
    """
    return records_in(read_input(path), wanted)


def records_in(given: Input, wanted: Collection[str] | None = None) -> tuple[Record, ...]:
    """As ``read_records``, from bytes in memory."""
    records = (_record(item, wanted) for item in items_in(given, SERVERS))
    return tuple(record for record in records if record is not None)


def _record(item: Item, wanted: Collection[str] | None) -> Record | None:
    try:
        probe = decode(item.raw, _PROBE)
        if probe.instance and probe.uuid:
            return own_record(item.raw, item.source, item.place, wanted)
        if probe.ID:
            return row_record(item.raw, item.source, item.place, wanted)
        if probe.id:
            return server_record(item.raw, item.source, item.place, wanted)
    except FieldError as error:
        raise refused(item, error) from error
    raise unsupported(item.source, SERVERS, item.place)
