"""The documentation says what the code does."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

import hatch_build
from tests.support.models import filled_guest
from tests.support.pages import (
    DOCS,
    FINDINGS,
    HELP_BLOCK,
    JSON_BLOCK,
    findings_page,
    help_of,
    json_example,
    text_of,
)
from tests.support.paths import ROOT
from virsh_nova import __version__, errors
from virsh_nova.cli import COMMANDS, cli
from virsh_nova.document.encode import whole_document
from virsh_nova.guests import classify
from virsh_nova.guests.columns import COLUMNS, DEFAULT, LONG
from virsh_nova.guests.states import STATES
from virsh_nova.model import KINDS

PAGES = [*DOCS.glob("*.md"), *ROOT.glob("*.md")]


def cells_of(page: str, title: str) -> list[list[str]]:
    """The rows of the first table below a title, without its head."""
    _, _, rest = page.partition(f"{title}\n")
    table = re.search(r"(?:^\|.*\n)+", rest, re.M)
    assert table is not None
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in table[0].splitlines()[2:]]
    return [[cell.strip() for cell in row] for row in rows]


def coded(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


# ---- docs/commands.md -------------------------------------------------------------------------


def test_every_command_has_a_help_block() -> None:
    documented = [command for command, _ in HELP_BLOCK.findall(text_of("commands.md"))]
    assert sorted(documented) == sorted(["", *COMMANDS])


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_blocks_are_true(command: str) -> None:
    assert dict(HELP_BLOCK.findall(text_of("commands.md")))[command] == help_of(command)


def test_every_column_is_documented() -> None:
    rows = cells_of(text_of("commands.md"), "### Columns")
    assert [coded(name)[0] for name, _, _ in rows] == list(COLUMNS)
    shown = {coded(name)[0]: mark for name, mark, _ in rows}
    for name in COLUMNS:
        expected = "default" if name in DEFAULT else "long" if name in LONG else ""
        assert shown[name] == expected, name


# ---- docs/exit-codes.md, docs/json.md, docs/evidence.md ----------------------------------------


def test_every_exit_code_is_documented() -> None:
    constants = {name: code for name, code in vars(errors).items() if name.startswith("EXIT_")}
    codes = {0} | {code for code in constants.values() if isinstance(code, int)}
    rows = cells_of(text_of("exit-codes.md"), "# Exit codes")
    assert {int(row[0]) for row in rows} == codes
    assert set(errors.EXIT_CODES) == codes


_MAPPINGS = ("extra_specs", "properties", "sysinfo")


def keys_of(value: Any, path: str = "") -> Iterator[str]:
    """The keys of a document, dotted, as json.md writes them."""
    if isinstance(value, list):
        for each in value:
            yield from keys_of(each, f"{path}[]")
    elif isinstance(value, dict) and path.rpartition(".")[2] not in _MAPPINGS:
        for key, inner in value.items():
            inner_path = f"{path}.{key}" if path else key
            yield inner_path
            yield from keys_of(inner, inner_path)


def test_every_key_of_the_document_is_documented() -> None:
    page = text_of("json.md")
    named = set(re.findall(r"`([\w.\[\]]+)`", page))
    for key in keys_of(whole_document(filled_guest())):
        # A definition has the keys of a guest, and its blocks those of the guest's block.
        path = re.sub(r"^definitions\.\w+\.(?=\w)", "", key)
        path = re.sub(r"^blocks\[\]\.", "block.", path)
        path = re.sub(r"^(block\.)?instance\.", "", path)
        leaf = path.rpartition(".")[2]
        # Small objects are described in the line of their parent.
        in_parent = leaf in named and path.rpartition(".")[0].removesuffix("[]") in named
        assert path in named or in_parent, key


def test_states_and_kinds_are_documented() -> None:
    page = text_of("json.md")
    rows = {coded(row[0])[0]: coded(row[1]) for row in cells_of(page, "## Each guest")}
    assert rows["state"] == list(STATES)
    assert rows["kind"] == list(KINDS)


def test_the_example_of_the_document_is_true() -> None:
    assert JSON_BLOCK.findall(text_of("json.md")) == [json_example()]


def test_every_mark_is_documented() -> None:
    page = text_of("evidence.md")
    weights = [int(row[0]) for row in cells_of(page, "## Marks of Nova")]
    assert weights == [mark.weight for mark in classify.NOVA_MARKS]
    managers = [row[0] for row in cells_of(page, "## Marks of others")]
    assert managers == [mark.manager for mark in classify.FOREIGN_MARKS]
    namespaces = {
        uri: row[0]
        for row in cells_of(page, "And these elements under `<metadata>`:")
        for uri in coded(row[1])
    }
    assert namespaces == classify.MANAGER_BY_NAMESPACE
    for product in (*classify.MANAGER_BY_PRODUCT, *classify.NOVA_PRODUCTS):
        assert f"`{product}`" in page


# ---- links and the picture --------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    headings = {anchor(title) for title in re.findall(r"^#+ (.*)$", text, re.M)}
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("#"):
            assert target[1:] in headings, target
        elif "://" not in target:
            assert (page.parent / target.partition("#")[0]).exists(), target


def anchor(title: str) -> str:
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def test_the_pictures_show_what_the_commands_print(tmp_path: Path) -> None:
    subprocess.run([sys.executable, ROOT / "script" / "picture.py", tmp_path], cwd=ROOT, check=True)
    drawn = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    assert sorted(drawn) == ["list.svg", "whose.svg"]
    for name, picture in drawn.items():
        assert text_of(name) == picture, "script/picture redraws it"


# ---- what the wheel brings along --------------------------------------------------------------


def test_the_wheel_has_a_page_for_each_command() -> None:
    pages = hatch_build.man_pages(cli, __version__)
    names = ["nova-domains", *(f"nova-domains-{name}" for name in COMMANDS)]
    assert list(pages) == [f"share/man/man1/{name}.1" for name in names]
    for name, page in zip(names, pages.values(), strict=True):
        assert page.startswith(f'.TH "{name.upper()}" "1"')
        assert page.count(".SH NAME\n" + name.replace("-", "\\-") + " \\- ") == 1
        for section in ("SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "EXAMPLES"):
            assert page.count(f"\n.SH {section}\n") == 1


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_option_is_in_its_page(name: str) -> None:
    page = hatch_build.man_pages(cli, __version__)[f"share/man/man1/nova-domains-{name}.1"]
    for parameter in COMMANDS[name].load().params:
        if isinstance(parameter, click.Option):
            for option in (*parameter.opts, *parameter.secondary_opts):
                assert f"\\fB{option}".replace("-", "\\-") in page


def test_the_examples_of_the_pages_are_commands() -> None:
    assert set(hatch_build.EXAMPLES) == {
        "nova-domains",
        *(f"nova-domains {name}" for name in COMMANDS),
    }
    for page, examples in hatch_build.EXAMPLES.items():
        for _, line in examples:
            assert page.split()[-1] in line


def test_the_wheel_has_a_completion_for_each_shell() -> None:
    completions = hatch_build.completions(cli)
    assert list(completions) == list(hatch_build.COMPLETIONS.values())
    for code in completions.values():
        assert "_NOVA_DOMAINS_COMPLETE" in code


def test_building_needs_no_libvirt() -> None:
    """The build loads every command for its manual page; libvirt's headers may not be there."""
    check = (
        "import sys; from virsh_nova.cli import COMMANDS; "
        "[entry.load() for entry in COMMANDS.values()]; print('libvirt' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_the_page_of_findings_is_what_the_table_says() -> None:
    assert FINDINGS.read_text(encoding="utf-8") == findings_page(), (
        "python -m tests.support.pages renews it"
    )


def test_the_help_of_check_is_in_the_page_of_commands() -> None:
    blocks = dict(HELP_BLOCK.findall(text_of("commands.md")))
    assert blocks["check"] == help_of("check")
