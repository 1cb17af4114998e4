"""Puts the manual pages and the shell completions, made from the commands, into the wheel."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path
from typing import Any

import click
from click.shell_completion import ShellComplete, get_completion_class
from click_man.man import ManPage
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PROGRAM = "nova-domains"

COMPLETIONS = {
    "bash": f"share/bash-completion/completions/{PROGRAM}",
    "zsh": f"share/zsh/site-functions/_{PROGRAM}",
    "fish": f"share/fish/vendor_completions.d/{PROGRAM}.fish",
}

ENVIRONMENT = (
    ("LIBVIRT_DEFAULT_URI", "The libvirt to ask where --connect is not given."),
    ("NO_COLOR", "If not empty: plain text on a terminal too."),
)

EXAMPLES = {
    PROGRAM: (
        ("The guests of this host:", f"{PROGRAM} list"),
        ("All that is known of one:", f"{PROGRAM} show instance-0000002a"),
        ("Of many hosts:", f"{PROGRAM} --hosts 'cmp-[001-120]' whose 10.20.0.11"),
        (
            "A libvirt that runs in a container:",
            f"{PROGRAM} -c 'qemu+unix:///system?socket=/run/libvirt/libvirt-sock' list",
        ),
    ),
    f"{PROGRAM} hosts": (
        ("Which hosts answer:", f"{PROGRAM} --hosts 'cmp-[001-120]' hosts"),
        ("By how long they take:", f"{PROGRAM} --hosts @compute hosts --sort-column took"),
    ),
    f"{PROGRAM} collect": (
        (
            "Every hour, for questions that take no time:",
            f"{PROGRAM} --hosts @compute collect fleet.db --prune 30d",
        ),
        ("From reports, for later:", f"{PROGRAM} --files /srv/reports collect fleet.db"),
    ),
    f"{PROGRAM} list": (
        ("What is not Nova's:", f"{PROGRAM} list --kind foreign"),
        ("Who owns the guests with these addresses:", f"{PROGRAM} list --ip 10.20.0.0/24"),
        ("Name and project of what runs:", f"{PROGRAM} list --state running -c name -c project"),
        ("For a program:", f"{PROGRAM} list -f json"),
    ),
    f"{PROGRAM} show": (
        ("By the first characters of the uuid:", f"{PROGRAM} show 8dabf68e"),
        ("The block as the domain holds it:", f"{PROGRAM} show -f xml instance-0000002a"),
    ),
    f"{PROGRAM} check": (
        ("What does not fit, of all guests:", f"{PROGRAM} check"),
        ("Against what Nova knows:", f"{PROGRAM} check --against servers.json"),
        ("What a finding means:", f"{PROGRAM} check --explain shared-disk"),
        ("For a monitoring system:", f"{PROGRAM} check -f nagios"),
    ),
    f"{PROGRAM} whose": (
        ("Whose is the process that top shows:", f"{PROGRAM} whose 4242"),
        ("Who has these addresses:", f"{PROGRAM} whose 10.20.0.0/24 fa:16:3e:ce:86:1e"),
        ("Whose is the traffic:", f"tcpdump -lni any | {PROGRAM} whose -"),
    ),
    f"{PROGRAM} usage": (
        ("Who was given what:", f"{PROGRAM} usage"),
        ("What each project's flavors use:", f"{PROGRAM} usage --by project --by flavor"),
        ("Who uses the CPUs now:", f"{PROGRAM} usage --interval 5"),
    ),
    f"{PROGRAM} stamp": (
        ("What the guests without the block still tell:", f"{PROGRAM} stamp --all --derive -n"),
        (
            "Write it, with what the cloud knows:",
            f"{PROGRAM} stamp --all --derive --from servers.json --users users.json",
        ),
        ("Say it yourself:", f"{PROGRAM} stamp instance-0000002a --set name=web-1"),
    ),
    f"{PROGRAM} undo": (
        ("The newest run:", f"{PROGRAM} undo"),
        ("What runs there were:", f"{PROGRAM} undo --list"),
    ),
    f"{PROGRAM} export": (
        ("Look at the metrics:", f"{PROGRAM} export"),
        (
            "For node_exporter:",
            f"{PROGRAM} export --textfile /var/lib/prometheus/node-exporter/{PROGRAM}.prom",
        ),
    ),
    f"{PROGRAM} completion": (
        ("In ~/.bashrc:", f'eval "$({PROGRAM} completion bash)"'),
        ("In ~/.zshrc:", f'eval "$({PROGRAM} completion zsh)"'),
        ("In ~/.config/fish/config.fish:", f"{PROGRAM} completion fish | source"),
    ),
}


class SharedData(BuildHookInterface[Any]):
    """The hook: hatchling finds it in this file."""

    def initialize(self, _version: str, build_data: dict[str, Any]) -> None:
        sys.path.insert(0, self.root)
        # It needs click, and neither libvirt nor lxml: a wheel can be built without their headers.
        from virsh_nova.cli import cli

        self.folder = Path(tempfile.mkdtemp(prefix=f"{PROGRAM}-"))
        # hatchling before 1.24 takes further files only here; later ones have a place for them.
        shared = build_data.get("shared_data", self.build_config.shared_data)
        made = {**man_pages(cli, self.metadata.version), **completions(cli)}
        for number, (target, text) in enumerate(made.items()):
            file = self.folder / str(number)
            file.write_text(text, encoding="utf-8")
            shared[str(file)] = target

    def finalize(self, _version: str, _build_data: dict[str, Any], _artifact: str) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


# ---- completions ------------------------------------------------------------------------------


def completions(cli: click.Command) -> dict[str, str]:
    """The code that each shell loads by itself, by its path below the prefix."""
    result = {}
    for shell, path in COMPLETIONS.items():
        found = get_completion_class(shell)
        assert found is not None
        complete = found(cli, {}, PROGRAM, "_NOVA_DOMAINS_COMPLETE")
        # Not the subclass's: bash's would ask the bash of the building machine for its version.
        result[path] = ShellComplete.source(complete) + "\n"
    return result


# ---- manual pages -----------------------------------------------------------------------------


def man_pages(cli: click.Group, version: str) -> dict[str, str]:
    """A page for the program and one for each command, by its path below the prefix."""
    root = click.Context(cli, info_name=PROGRAM, **cli.context_settings)
    contexts = [root]
    for name in cli.list_commands(root):
        command = cli.get_command(root, name)
        assert command is not None
        settings = command.context_settings
        contexts.append(click.Context(command, info_name=name, parent=root, **settings))
    return {
        f"share/man/man1/{_page_name(context)}.1": man_page(context, version)
        for context in contexts
    }


def man_page(context: click.Context, version: str) -> str:
    """click-man's page, with the sections that it does not know."""
    command = context.command
    page = ManPage(context.command_path)
    page.version = f"{PROGRAM} {version}"
    # A date of today would make each build differ.
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    page.date = time.strftime("%Y-%m-%d", time.gmtime(int(epoch))) if epoch else ""
    help_ = cleandoc(command.help or "")
    page.short_help = _roff(" ".join(help_.partition("\n\n")[0].split()).rstrip("."))
    page.synopsis = " ".join(command.collect_usage_pieces(context)).replace("\\", "\\e")
    # \b is click's mark for a paragraph that must not be wrapped.
    page.description = _roff(help_.replace("\b\n", ""))
    page.options = [
        (_option(record[0]), _roff(record[1]))
        for parameter in command.get_params(context)
        if isinstance(parameter, click.Option) and (record := parameter.get_help_record(context))
    ]
    # mandb finds a page by the name in NAME, which must be the file's: with hyphens for blanks.
    name = _page_name(context)
    _, synopsis, rest = str(page).partition(".SH SYNOPSIS\n")
    head = (
        f'.TH "{name.upper()}" "1" "{page.date}" "{page.version}" "{PROGRAM}"\n'
        f".SH NAME\n{_roff(name)} \\- {page.short_help}\n"
    )
    further = "".join(f"{line}\n" for line in _further_sections(context))
    return head + synopsis + rest + further


def _further_sections(context: click.Context) -> Iterator[str]:
    # Only here, as in initialize(): the package is on the path by now.
    from virsh_nova.cli import COMMANDS
    from virsh_nova.errors import EXIT_CODES

    if context.parent is None:
        yield ".SH COMMANDS"
        for entry in COMMANDS.values():
            yield from (".TP", f"\\fB{PROGRAM}\\-{entry.name}\\fP(1)", _roff(entry.summary))
    yield ".SH EXIT STATUS"
    for code, meaning in EXIT_CODES.items():
        yield from (".TP", f"\\fB{code}\\fP", _roff(f"{meaning[0].upper()}{meaning[1:]}."))
    yield ".SH ENVIRONMENT"
    for variable, meaning in ENVIRONMENT:
        yield from (".TP", f"\\fB{variable}\\fP", _roff(meaning))
    yield ".SH EXAMPLES"
    for purpose, example in EXAMPLES.get(context.command_path, ()):
        yield from (".PP", _roff(purpose), ".PP", ".RS 4", ".EX", _roff(example), ".EE", ".RE")
    yield ".SH SEE ALSO"
    pages = [PROGRAM, *(f"{PROGRAM}-{name}" for name in COMMANDS)]
    others = [page for page in pages if page != _page_name(context)]
    yield ", ".join(f"\\fB{_roff(page)}\\fP(1)" for page in [*others, "virsh"])


def _page_name(context: click.Context) -> str:
    return context.command_path.replace(" ", "-")


def _roff(text: str) -> str:
    """Text as roff prints it: no escapes, no requests, and hyphens that can be copied."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.MULTILINE)


def _option(record: str) -> str:
    """``-c, --connect URI`` with its names bold, the rest italic.

    click-man makes the first word bold and escapes the hyphens. So this is one word to it.
    """
    words = record.replace("\\", "\\e").split()
    styles = {"-": "B", "/": "R"}
    return "\\fP" + "\\~".join(f"\\f{styles.get(w[0], 'I')}{w}\\fP" for w in words) + "\\fB"
