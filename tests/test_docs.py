"""The documentation says what the code does. ``python -m tests.test_docs`` renews what it can."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

import hatch_build
from virsh_nova import __version__, classify, errors
from virsh_nova.cli import cli
from virsh_nova.columns import COLUMNS, DEFAULT, LONG
from virsh_nova.listing import KINDS, STATES

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [*DOCS.glob("*.md"), *ROOT.glob("*.md")]

HELP_BLOCK = re.compile(r"(?<=^<!-- help:) *(.*?) *-->\n```text\n(.*?)```$", re.M | re.S)
JSON_BLOCK = re.compile(r"^```json\n(.*?)```$", re.M | re.S)


def text_of(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def cells_of(page: str, title: str) -> list[list[str]]:
    """The rows of the first table below a title, without its head."""
    _, _, rest = page.partition(f"{title}\n")
    table = re.search(r"(?:^\|.*\n)+", rest, re.M)
    assert table is not None
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in table[0].splitlines()[2:]]
    return [[cell.strip() for cell in row] for row in rows]


def coded(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def demo(*arguments: str) -> Any:
    """The JSON of the example host, of a host that is named the same everywhere."""
    done = subprocess.run(
        [sys.executable, "-m", "virsh_nova", "--demo", *arguments, "-f", "json"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
        capture_output=True,
        check=True,
    )
    return [{**guest, "host": "compute-1"} for guest in json.loads(done.stdout)]


# ---- docs/commands.md -------------------------------------------------------------------------


def help_of(command: str) -> str:
    runner = CliRunner()
    words = [*command.split(), "--help"]
    output = runner.invoke(cli, words, prog_name="nova-domains", terminal_width=100).output
    # click 8.0 writes the same default and range another way: 10.0;x>0.
    return re.sub(r"default: (\d+)\.0;x", r"default: \1; x", output)


def test_every_command_has_a_help_block() -> None:
    documented = [command for command, _ in HELP_BLOCK.findall(text_of("commands.md"))]
    assert sorted(documented) == sorted(["", *cli.commands])


@pytest.mark.parametrize("command", ["", *cli.commands])
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
    codes = {0} | {code for name, code in vars(errors).items() if name.startswith("EXIT_")}
    rows = cells_of(text_of("exit-codes.md"), "# Exit codes")
    assert {int(row[0]) for row in rows} == codes
    assert {int(code) for code, _ in hatch_build.EXIT_STATUS} == codes


def keys_of(value: Any, path: str = "") -> Iterator[str]:
    """The keys of a document, dotted, as json.md writes them."""
    if isinstance(value, list):
        for each in value:
            yield from keys_of(each, f"{path}[]")
    elif isinstance(value, dict) and path.rpartition(".")[2] not in ("extra_specs", "properties"):
        for key, inner in value.items():
            inner_path = f"{path}.{key}" if path else key
            yield inner_path
            yield from keys_of(inner, inner_path)


def test_every_key_of_the_document_is_documented() -> None:
    page = text_of("json.md")
    named = set(re.findall(r"`([\w.\[\]]+)`", page))
    guests = demo("show", *(guest["uuid"] for guest in demo("list")))
    for key in {key for guest in guests for key in keys_of(guest)}:
        path = key.removeprefix("instance.")
        leaf = key.rpartition(".")[2]
        # The least objects are told in one line with their parent.
        in_parent = leaf in named and path.rpartition(".")[0].removesuffix("[]") in named
        assert path in named or in_parent, key


def test_states_and_kinds_are_documented() -> None:
    page = text_of("json.md")
    rows = {coded(row[0])[0]: coded(row[1]) for row in cells_of(page, "## Each guest")}
    assert rows["state"] == list(STATES)
    assert rows["kind"] == list(KINDS)


def json_example() -> str:
    (guest,) = demo("list", "--name", "web-1")
    return json.dumps(guest, indent=2, ensure_ascii=False) + "\n"


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


def test_the_picture_shows_the_example_host() -> None:
    drawn = " ".join(re.findall(r">([^<]+)</text>", text_of("list.svg")))
    drawn = drawn.replace("&#160;", " ").replace("&#x27;", "'")
    for guest in demo("list"):
        name = guest["instance"]["name"] if guest["instance"] else guest["domain"]
        for text in (guest["uuid"], guest["domain"], guest["state"], name):
            assert text in drawn, "script/picture remakes it"


# ---- what the wheel brings along --------------------------------------------------------------


def test_the_wheel_has_a_page_for_each_command() -> None:
    pages = hatch_build.man_pages(cli, __version__)
    names = ["nova-domains", *(f"nova-domains-{name}" for name in cli.commands)]
    assert list(pages) == [f"share/man/man1/{name}.1" for name in names]
    for name, page in zip(names, pages.values(), strict=True):
        assert page.startswith(f'.TH "{name.upper()}" "1"')
        assert page.count(".SH NAME\n" + name.replace("-", "\\-") + " \\- ") == 1
        for section in ("SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "EXAMPLES"):
            assert page.count(f"\n.SH {section}\n") == 1


@pytest.mark.parametrize("name", list(cli.commands))
def test_every_option_is_in_its_page(name: str) -> None:
    page = hatch_build.man_pages(cli, __version__)[f"share/man/man1/nova-domains-{name}.1"]
    for parameter in cli.commands[name].params:
        if isinstance(parameter, click.Option):
            for option in (*parameter.opts, *parameter.secondary_opts):
                assert f"\\fB{option}".replace("-", "\\-") in page


def test_the_examples_of_the_pages_are_commands() -> None:
    assert set(hatch_build.EXAMPLES) == {
        "nova-domains",
        *(f"nova-domains {name}" for name in cli.commands),
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
    check = "import sys, virsh_nova.cli; print({'libvirt', 'lxml', 'rich'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


# ---- renewing ---------------------------------------------------------------------------------


def renew() -> None:
    page = HELP_BLOCK.sub(
        lambda block: f" {block[1]} -->\n```text\n{help_of(block[1])}```".replace("  -->", " -->"),
        text_of("commands.md"),
    )
    (DOCS / "commands.md").write_text(page, encoding="utf-8")
    head, _, _ = text_of("json.md").partition("```json\n")
    (DOCS / "json.md").write_text(f"{head}```json\n{json_example()}```\n", encoding="utf-8")


if __name__ == "__main__":
    renew()
