"""Write the golden blocks of one Nova release with that release's own code.

Run this with a Python that has the release installed; nothing else is needed, neither libvirt
nor a database::

    python3.11 -m venv /tmp/nova-33
    /tmp/nova-33/bin/pip install nova==33.0.2
    /tmp/nova-33/bin/python tests/data/golden/generate.py

The instances of ``inputs.json`` become ``RELEASE/CASE.xml`` beside this file, RELEASE being the
version that is installed. With ``--check`` nothing is written: what the release gives now is
compared with what is there. The order of extra specs is the order of a dictionary and says
nothing, so ``--check`` overlooks it.

Old releases need libraries of their time: 29 and 30 want ``oslo.utils<8``; 22 and 23 run on
Python 3.9 with ``SQLAlchemy<1.5``, ``oslo.db<12``, ``oslo.utils<5`` and ``eventlet<0.34``.
"""

import argparse
import json
import sys
from pathlib import Path
from unittest import mock

from lxml import etree
from nova import conf, objects, version
from nova.network import model as network_model
from nova.virt.libvirt import driver

HERE = Path(__file__).parent


def build(case: dict) -> tuple[objects.Instance, network_model.NetworkInfo]:
    """Make the objects Nova would have loaded from its database."""
    flavor = objects.Flavor(**case["flavor"])
    instance = objects.Instance(
        uuid=case["uuid"],
        display_name=case["display_name"],
        image_ref=case["image_ref"],
        user_id=case["user_id"],
        project_id=case["project_id"],
        system_metadata=case["system_metadata"],
        flavor=flavor,
    )
    return instance, network_model.NetworkInfo.hydrate(case["network_info"])


def block(case: dict) -> str:
    """Return the block that the installed release writes for one case."""
    instance, network_info = build(case)
    nova = object.__new__(driver.LibvirtDriver)  # __init__ would want libvirt
    with mock.patch("time.time", return_value=case["time"]):
        if hasattr(nova, "get_instance_driver_metadata"):  # since 30
            arguments = [nova.get_instance_driver_metadata(instance, network_info)]
        elif driver.LibvirtDriver._get_guest_config_meta.__code__.co_argcount == 3:  # since 23
            arguments = [instance, network_info]
        else:
            arguments = [instance]
        text = nova._get_guest_config_meta(*arguments).to_xml()
    return text if isinstance(text, str) else text.decode()


def comparable(text: str) -> bytes:
    """Return the block with its extra specs in alphabetical order."""
    root = etree.fromstring(text)
    for specs in root.iter("{*}extraSpecs"):
        specs[:] = sorted(specs, key=lambda spec: spec.get("name"))
        for spec in specs:  # the last one is indented differently
            spec.tail = None
    return etree.tostring(root, method="c14n")


def main() -> int:
    """Write or check every case."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    check = parser.parse_args().check

    conf.CONF([], project="nova", default_config_files=[])
    objects.register_all()
    folder = HERE / version.version_string_with_package()
    folder.mkdir(exist_ok=True)
    different = []
    for name, case in json.loads((HERE / "inputs.json").read_text(encoding="utf-8")).items():
        path, text = folder / f"{name}.xml", block(case)
        if not check:
            path.write_text(text, encoding="utf-8")
        elif comparable(text) != comparable(path.read_text(encoding="utf-8")):
            different.append(name)
    print(folder.name, "different: " + ", ".join(different) if different else "done")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
