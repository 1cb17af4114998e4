"""``<memory>`` counts the memory devices too; what a guest was given is what is left."""

from __future__ import annotations

import pytest

from virsh_nova.parse import parse_domain

NVDIMM = "<memory model='nvdimm'><target><size unit='KiB'>1048576</size></target></memory>"
VIRTIO_MEM = (
    "<memory model='virtio-mem'><target><size unit='GiB'>1</size>"
    "<requested unit='MiB'>256</requested></target></memory>"
)
BROKEN = "<memory><target><size>lots</size></target></memory>"


@pytest.mark.parametrize(
    ("memory", "devices", "mib"),
    [
        ("<memory unit='MiB'>512</memory>", "", 512),
        ("<memory unit='KiB'>1572864</memory>", NVDIMM, 512),
        ("<memory unit='GiB'>3</memory>", NVDIMM * 2, 1024),
        ("<memory unit='GiB'>3</memory>", VIRTIO_MEM, 2048),
        # Nothing that libvirt would let through; none of it is taken for a size.
        ("<memory unit='MiB'>512</memory>", NVDIMM, None),
        ("<memory unit='MiB'>512</memory>", NVDIMM.replace(">1", ">-1"), None),
        ("<memory unit='MiB'>512</memory>", BROKEN, None),
        ("<memory unit='MiB'>512</memory>", "<memory><target/></memory>", 512),
        ("<memory unit='MiB'>512</memory>", "<memory/>", 512),
        ("<memory>lots</memory>", NVDIMM, None),
        ("", NVDIMM, None),
    ],
)  # fmt: skip
def test_memory_without_memory_devices(memory: str, devices: str, mib: int | None) -> None:
    domain = parse_domain(f"<domain>{memory}<devices>{devices}</devices></domain>")
    assert domain.hardware.memory_mib == mib


@pytest.mark.parametrize(
    ("os", "arch"),
    [
        ("<os><type arch='ppc64le' machine='pseries'>hvm</type></os>", "ppc64le"),
        ("<os><type>hvm</type></os>", None),
        ("", None),
    ],
)
def test_the_architecture(os: str, arch: str | None) -> None:
    assert parse_domain(f"<domain>{os}</domain>").arch == arch
