"""What a healthy guest of the field looks like, and check once called a fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from virsh_nova.check.examine import examine
from virsh_nova.check.finding import Examination
from virsh_nova.guests.build import whole_guest
from virsh_nova.model import Guest, Sighting

DATA = Path(__file__).parents[2] / "data"
UUID = "a1000000-0000-4000-8000-000000000001"
VOLUME = "d4000000-0000-4000-8000-00000000000a"
IMAGE = "11aa22bb-33cc-44dd-85ee-66ff77008811"
ANOTHER = "11111111-081e-4e39-9eda-eca7b3b7bb97"
BOTH = (DATA / "field/f07-image-and-volume/instance-0000000a.xml").read_text()
PMEM = (DATA / "field/x01-vpmem/guest.xml").read_text()
VOLUME_BOOT = next((DATA / "real/volume-boot").glob("*.live.xml")).read_text()


def guest(xml: str, state: str = "running", reason: str | None = None) -> Guest:
    uuid = xml[xml.index("<uuid>") + 6 : xml.index("</uuid>")]
    seen = Sighting("c", uuid, "d", None if state == "shutoff" else 1, state, reason)
    return whole_guest(seen, xml)


def found(xml: str, state: str = "running", reason: str | None = None) -> dict[str, str]:
    """Severities by code."""
    findings = examine(Examination([guest(xml, state, reason)]))
    return {finding.code: finding.severity for finding in findings}


def changed(xml: str, *changes: tuple[str, str]) -> str:
    for old, new in changes:
        assert old in xml
        xml = xml.replace(old, new)
    return xml


# ---- the root of a guest that boots from a volume -----------------------------------------------


def test_an_image_as_root_of_a_guest_on_a_volume_is_a_note() -> None:
    assert found(BOTH) == {"older-namespace": "note", "root-differs": "note"}


def test_the_image_of_a_rebuilt_guest_on_a_volume_is_no_other_volume() -> None:
    root = '<nova:root type="volume" uuid=""/>'
    rebuilt = changed(
        VOLUME_BOOT,
        (root, f'<nova:root type="volume" uuid="{IMAGE}"/>'),
        ('<nova:image uuid=""', f'<nova:image uuid="{IMAGE}"'),
    )
    assert found(rebuilt) == {}
    as_image = changed(rebuilt, ('<nova:root type="volume"', '<nova:root type="image"'))
    assert found(as_image) == {"root-differs": "note"}


def test_another_volume_as_root_is_a_warning_where_the_block_names_its_image() -> None:
    root = ('<nova:root type="volume" uuid=""/>', f'<nova:root type="volume" uuid="{ANOTHER}"/>')
    assert found(changed(VOLUME_BOOT, root)) == {"root-differs": "warning"}


def test_a_block_without_image_may_name_the_image_as_root() -> None:
    start, end = VOLUME_BOOT.index("<nova:image"), VOLUME_BOOT.index("</nova:image>")
    older = VOLUME_BOOT[:start] + VOLUME_BOOT[end + len("</nova:image>") :]
    older = changed(
        older,
        ('<nova:root type="volume" uuid=""/>', f'<nova:root type="volume" uuid="{ANOTHER}"/>'),
    )
    assert found(older)["root-differs"] == "note"


def test_a_volume_as_root_of_a_guest_on_its_own_disk_is_a_warning() -> None:
    own = changed(
        BOTH,
        ('<nova:root type="image"', '<nova:root type="volume"'),
        ("name='volumes/volume-d4000000-0000-4000-8000-00000000000a'", f"name='vms/{UUID}_disk'"),
        (f"<serial>{VOLUME}</serial>", ""),
    )
    assert found(own) == {"older-namespace": "note", "root-differs": "warning"}


# ---- memory -------------------------------------------------------------------------------------


def test_memory_devices_are_not_the_flavors() -> None:
    assert found(PMEM) == {}
    more = changed(PMEM, ("<memory unit='KiB'>1572864<", "<memory unit='KiB'>2097152<"))
    assert found(more) == {"memory-differs": "warning"}


@pytest.mark.parametrize(
    ("arch", "mib", "differs"),
    [
        ("ppc64le", 768, False),
        ("ppc64", 768, False),
        ("ppc64le", 1024, True),
        ("ppc64le", 640, True),
        ("x86_64", 768, True),
    ],
)
def test_a_pseries_guest_has_memory_in_steps_of_256_mib(arch: str, mib: int, differs: bool) -> None:
    xml = changed(
        BOTH,
        ("<nova:memory>512<", "<nova:memory>600<"),
        ("<memory unit='KiB'>524288<", f"<memory unit='MiB'>{mib}<"),
        ("arch='x86_64'", f"arch='{arch}'"),
    )
    assert ("memory-differs" in found(xml)) == differs


# ---- an interface that the block does not name --------------------------------------------------

ATTACHED = next((DATA / "real/attached").glob("*.inactive.xml")).read_text()


def test_a_suspended_guest_keeps_the_block_in_its_saved_memory() -> None:
    assert found(ATTACHED, "shutoff", "shutdown") == {"interface-unrecorded": "note"}
    assert found(ATTACHED, "shutoff", "saved") == {}


OPEN_VSWITCH = """\
<interface type='bridge'><mac address='fa:16:3e:00:00:0{0}'/><target dev='vnet{0}'/>
<virtualport type='openvswitch'><parameters interfaceid='1000000{0}-0000-4000-8000-000000000000'/>
</virtualport></interface>"""


def test_many_interfaces_that_the_block_does_not_name_are_not_all_listed() -> None:
    attached = "".join(OPEN_VSWITCH.format(number) for number in range(10))
    xml = changed(PMEM, ("</devices>", f"{attached}</devices>"))
    (finding,) = examine(Examination([guest(xml)]))
    assert (finding.code, finding.severity) == ("interface-unrecorded", "warning")
    assert finding.evidence[0] == "vnet0 of the port 10000000-0000-4000-8000-000000000000"
    assert (len(finding.evidence), finding.evidence[-1]) == (9, "and 2 more")


def test_the_uuid_of_another_guest_in_the_sysinfo_is_a_warning() -> None:
    entry = f"<entry name='uuid'>{UUID}"
    assert found(changed(PMEM, (entry, f"<entry name='uuid'>{ANOTHER}"))) == {
        "uuid-differs": "warning"
    }
