"""``nova-domains completion``."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from ..console import write
from .session import COMPLETION_VARIABLE, PROGRAM


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion_command(ctx: click.Context, shell: str) -> None:
    """Print the code that makes a shell complete commands.

    It completes options, domain names and uuids too.

    For bash: eval "$(nova-domains completion bash)" in ~/.bashrc.
    """
    complete = get_completion_class(shell)
    assert complete is not None
    root = ctx.find_root()
    write(complete(root.command, {}, PROGRAM, COMPLETION_VARIABLE).source() + "\n")
