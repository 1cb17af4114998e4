"""Releases by number and by name, and what each has room for."""

from __future__ import annotations

import pytest

from tests.support.guests import full_instance
from virsh_nova.block.namespaces import DRAFT, NOVA_1_0, NOVA_1_1
from virsh_nova.block.releases import (
    DRAFT_RELEASE,
    NEWEST_RELEASE,
    RELEASES,
    coordinated_name,
    find_release,
    release_of,
)
from virsh_nova.errors import NovaDomainsError
from virsh_nova.model import Image, Instance, Root

UUID = "8dabf68e-2eb7-4728-afea-875e75365e14"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("29", 29), ("29.4.0", 29), ("2024.1", 29), ("caracal", 29), ("Caracal", 29), (" 29 ", 29),
        ("12", 12), ("liberty", 12), ("15.1.5", 15), ("victoria", 22), ("wallaby", 23),
        ("2023.1", 27), ("2023.2", 28), ("2024.2", 30), ("2025.1", 31), ("2025.2", 32),
        ("2026.1", 33), ("34", 34), ("2026.2", 34),
    ],
)  # fmt: skip
def test_a_release_is_found_by_number_and_by_name(text: str, number: int) -> None:
    assert find_release(text) == RELEASES[number]


def test_the_draft_is_a_release_too() -> None:
    assert find_release("draft") == find_release("Draft") == DRAFT_RELEASE


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("11", "such as 29, 2024.1, caracal, or draft"),
        ("35", "such as 29, 2024.1, caracal, or draft"),
        ("", "such as 29, 2024.1, caracal, or draft"),
        ("-29", "such as 29, 2024.1, caracal, or draft"),
        ("2024", "did you mean '2024.2'?"),
        ("carcal", "did you mean 'caracal'?"),
        ("029", "such as 29, 2024.1, caracal, or draft"),
        ("²9", "such as 29, 2024.1, caracal, or draft"),
    ],
)
def test_what_is_not_a_release_is_an_error_with_a_hint(text: str, hint: str) -> None:
    with pytest.raises(NovaDomainsError) as raised:
        find_release(text)
    assert raised.value.message.startswith(
        f"{text!r} is not a release of Nova from 12 (2015.2) to 34"
    )
    if hint.startswith("such"):
        assert raised.value.hint == hint
    else:
        assert raised.value.hint.startswith("did you mean")


def test_every_release_can_be_named_in_each_way() -> None:
    for number, release in RELEASES.items():
        assert find_release(str(number)) == find_release(coordinated_name(number)) == release


@pytest.mark.parametrize(
    ("number", "namespace", "ports", "volume_root", "image"),
    [
        (12, NOVA_1_0, False, False, False),
        (22, NOVA_1_0, False, False, False),
        (23, NOVA_1_1, True, False, False),
        (29, NOVA_1_1, True, False, False),
        (30, NOVA_1_1, True, True, False),
        (31, NOVA_1_1, True, True, False),
        (32, NOVA_1_1, True, True, True),
        (34, NOVA_1_1, True, True, True),
    ],
)
def test_a_release_drops_what_it_has_no_place_for(
    number: int, namespace: str, ports: bool, volume_root: bool, image: bool
) -> None:
    release = RELEASES[number]
    assert release == (number, namespace, ports, volume_root, image)
    whole = full_instance()._replace(image=Image(UUID), root=Root("volume", UUID))
    shaped = release.shape(whole)
    assert shaped.namespace == namespace
    assert (shaped.ports is not None) == ports
    assert (shaped.root is not None) == volume_root
    assert (shaped.image is not None) == image
    assert shaped.flavor is not None
    assert (shaped.flavor.id is not None) == (shaped.flavor.extra_specs is not None) == image


def test_a_namespace_gives_its_last_release() -> None:
    assert release_of(NOVA_1_1) == NEWEST_RELEASE == RELEASES[34]
    assert release_of(NOVA_1_0) == RELEASES[22]
    assert release_of(DRAFT) == DRAFT_RELEASE


def named(number: int, name: str | None, *, unnamed: bool) -> str | None:
    release = RELEASES[number]
    return release.habits(Instance(release.namespace, name=name), UUID, unnamed=unnamed).name


def test_an_instance_without_name_is_called_by_its_uuid_since_30() -> None:
    assert named(29, None, unnamed=True) is None
    assert named(30, None, unnamed=True) == UUID
    assert named(30, "", unnamed=True) == UUID
    # A name that is unknown is another matter.
    assert named(30, None, unnamed=False) is None
    assert named(29, UUID, unnamed=False) is None
    assert named(30, UUID, unnamed=False) == UUID


def test_the_root_is_the_base_image_where_the_block_names_it() -> None:
    instance = Instance(NOVA_1_1, image=Image("base"), root=Root("image", "own"))
    newest = NEWEST_RELEASE.habits(NEWEST_RELEASE.shape(instance), UUID, unnamed=False)
    older = RELEASES[31].habits(RELEASES[31].shape(instance), UUID, unnamed=False)
    assert (newest.root, older.root) == (Root("image", "base"), Root("image", "own"))
    volume = instance._replace(root=Root("volume", ""))
    assert NEWEST_RELEASE.habits(volume, UUID, unnamed=False).root == Root("volume", "")
