"""The records in a file that ``--from`` names, whichever of the known documents it is."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from ..model import Record
from .client_row import row_record
from .decoding import decode
from .fields import FieldError
from .items import Input, Item, ObjectKind, items_in, read_input, refused, unsupported
from .nova_server import server_record
from .own_document import own_record

SERVERS = ObjectKind(
    "server",
    "servers",
    "nova-domains list or show -f json|yaml; "
    "openstack server show or list -f json|yaml (with the column ID); GET /servers/detail",
)


class _Probe(msgspec.Struct):
    """What tells the documents apart."""

    id: msgspec.Raw = msgspec.Raw()
    ID: msgspec.Raw = msgspec.Raw()
    uuid: msgspec.Raw = msgspec.Raw()
    instance: msgspec.Raw = msgspec.Raw()


_PROBE = msgspec.json.Decoder(_Probe)


def read_records(path: str, wanted: Collection[str] | None = None) -> tuple[Record, ...]:
    """The records of the file at ``path``, or of standard input for ``-``, in their order.

    ``wanted`` holds the uuids, in lower case with dashes, of the guests whose facts are of use:
    the others' records have none, as time and memory are saved by not making and checking them.
    Guests that our own document has no block for give no record. Raises ``NovaDomainsError`` in one
    line that names the file, the item and the field.
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
