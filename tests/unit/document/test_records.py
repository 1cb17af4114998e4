"""A document that was saved gives back every fact of the block it was made from."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.support import strategies
from tests.support.embedded import uuid_of
from tests.support.guests import nova_guest, unstamped_guest
from virsh_nova.block.facts import facts_of
from virsh_nova.document.encode import guest_document
from virsh_nova.inputs.objects import Input
from virsh_nova.model import Address, Instance
from virsh_nova.render.serial import as_json, as_yaml
from virsh_nova.sources.read import records_in
from virsh_nova.sources.record import Record


def records_of(documents: Any) -> tuple[Record, ...]:
    return records_in(Input(json.dumps(documents).encode(), "saved.json"))


sizes = st.none() | st.integers(min_value=0, max_value=10**18 - 1)


addresses = st.builds(
    Address,
    type=strategies.maybe(strategies.texts()),
    address=st.none() | st.ip_addresses().map(str),
    version=st.none() | st.sampled_from((4, 6)),
)


@st.composite
def sane_instances(draw: st.DrawFn) -> Instance:
    """Any instance but those with negative sizes and with addresses that are none."""
    instance = draw(strategies.instances)
    if instance.flavor is not None:
        numbers = ("memory_mib", "disk_gib", "swap_mib", "ephemeral_gib", "vcpus")
        flavor = instance.flavor._replace(**{name: draw(sizes) for name in numbers})
        instance = instance._replace(flavor=flavor)
    if instance.image is not None:
        numbers = ("min_disk_gib", "min_ram_mib")
        image = instance.image._replace(**{name: draw(sizes) for name in numbers})
        instance = instance._replace(image=image)
    if instance.ports is not None:
        instance = instance._replace(
            ports=tuple(
                port._replace(ips=tuple(draw(addresses) for _ in port.ips))
                for port in instance.ports
            )
        )
    return instance


@given(instance=sane_instances(), ascii_only=st.booleans(), one_a_line=st.booleans())
def test_a_saved_document_gives_back_every_fact(
    instance: Instance, ascii_only: bool, one_a_line: bool
) -> None:
    document = [guest_document(nova_guest(1, instance, host="h"))]
    for text in (
        as_json(document, one_a_line=one_a_line, ascii_only=ascii_only),
        as_yaml(document, ascii_only=ascii_only),
    ):
        (record,) = records_in(Input(text.encode(), "f"))
        assert record.facts == facts_of(instance)
        assert record.namespace == instance.namespace
        assert record.uuid == uuid_of(1)


def test_guests_without_a_block_give_no_record() -> None:
    def document(**block: Any) -> dict[str, Any]:
        return guest_document(nova_guest(1, Instance("urn:x", **block), host="h"))

    without_block = guest_document(unstamped_guest(2, host="h"))
    (record,) = records_of([without_block, document()])
    assert (record.place, record.namespace, record.facts) == ("item 2", "urn:x", {})
    assert record.unnamed
    assert record.hosts == ("h",)
    assert records_of([document(name="")])[0].unnamed
    assert not records_of([document(name="x")])[0].unnamed
    assert records_of(document())[0].hosts == ("h",)
