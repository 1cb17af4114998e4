"""What the readers of a block miss, and what would end Ceilometer's discovery for a whole host.

tests/neighbours/test_stamp_is_read.py compares the second with Ceilometer itself.
"""

from __future__ import annotations

import pytest

from tests.support.guests import full_instance
from virsh_nova.block.namespaces import DRAFT, NOVA_1_1
from virsh_nova.model import Flavor, Identity, Instance, Owner, Root
from virsh_nova.stamp.ceilometer import breaks_ceilometer, missed

WHOLE = full_instance()
OWNER = Owner(Identity("u", "alice"), Identity("p", "acme"))


def test_nothing_is_missed_in_a_whole_block() -> None:
    assert missed(WHOLE) == []
    assert breaks_ceilometer(WHOLE) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": None}, "Ceilometer will skip this guest: no name"),
        ({"flavor": None}, "Ceilometer will skip this guest: no flavor"),
        (
            {"owner": None},
            "Ceilometer will skip this guest: no owner.user.id, no owner.project.id",
        ),
        (
            {"owner": Owner(OWNER.user, None), "name": None},
            "Ceilometer will skip this guest: no name, no owner.project.id",
        ),
        (
            {"namespace": DRAFT},
            "Ceilometer will skip this guest: it does not know the draft's namespace",
        ),
        ({"package": None}, "no package: the Nova version that started the guest stays unknown"),
    ],
)
def test_each_reader_is_named_that_misses_a_part(change: dict, said: str) -> None:
    assert missed(WHOLE._replace(**change)) == [said]


@pytest.mark.parametrize(
    ("instance", "missing"),
    [
        (Instance(NOVA_1_1), None),
        (WHOLE._replace(owner=None), None),
        (WHOLE._replace(owner=Owner(None, None)), None),
        (WHOLE._replace(owner=Owner(Identity(None, "alice"), OWNER.project)), "owner.user.id"),
        (WHOLE._replace(owner=Owner(OWNER.user, Identity(None, "acme"))), "owner.project.id"),
        # It stops at the first element that is not there, and reads no further.
        (WHOLE._replace(owner=Owner(None, Identity(None, "acme"))), None),
        (WHOLE._replace(flavor=Flavor(None, memory_mib=1)), "flavor.name"),
        (WHOLE._replace(flavor=Flavor(None, memory_mib=1), name=None), None),
        (WHOLE._replace(root=Root("image", None)), "root.uuid"),
        (WHOLE._replace(root=Root("image", "")), None),
        (WHOLE._replace(root=Root("volume", None)), None),
        (WHOLE._replace(root=None), None),
    ],
)
def test_blocks_that_would_end_its_discovery_are_recognised(
    instance: Instance, missing: str | None
) -> None:
    assert breaks_ceilometer(instance) == missing
