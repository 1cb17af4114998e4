"""Print the lowest version of each package that pyproject.toml allows, as pip's requirements.

Dependencies, extras and what the build needs; development tools have bounds of their own and are
not meant.
"""

import subprocess
import sys
from itertools import chain

from packaging.requirements import Requirement
from packaging.version import Version

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def main() -> None:
    with open("pyproject.toml", "rb") as file:
        pyproject = tomllib.load(file)
    project = pyproject["project"]
    stated = chain(
        pyproject["build-system"]["requires"],
        project["dependencies"],
        *project["optional-dependencies"].values(),
    )
    lowest: dict[str, Version] = {}
    for text in stated:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate():
            bound = bound_of(requirement)
            lowest[requirement.name] = max(bound, lowest.get(requirement.name, bound))
    # It cannot be built with the headers of a libvirt newer than itself.
    lowest["libvirt-python"] = max(lowest["libvirt-python"], libvirt())
    for name, version in lowest.items():
        print(f"{name}=={version}")


def bound_of(requirement: Requirement) -> Version:
    bounds = [each.version for each in requirement.specifier if each.operator == ">="]
    if len(bounds) != 1:
        sys.exit(f"pyproject.toml: {requirement}: one lower bound is needed, as in name>=1.0")
    return Version(bounds[0])


def libvirt() -> Version:
    command = ["pkg-config", "--modversion", "libvirt"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return Version(done.stdout.strip())


if __name__ == "__main__":
    main()
