"""``watchdog-oom reload``: have the daemon read its policy again, and wait for what it says."""

from __future__ import annotations

import click

from watchdog_oom.cli import options
from watchdog_oom.cli.control.client import ask, finish


@click.command(short_help="Have the daemon read its policy files again.")
@options.why
@options.runtime
@click.pass_context
def reload(context: click.Context, why: str, runtime: str) -> None:
    """Have the daemon read its policy files again, and wait until they are in force, or refused with their faults.

    Exit status: 0 in force, 2 refused: the last good policy stays, 3 not permitted, 4 the daemon is not running.
    """
    context.exit(finish(ask(runtime, "reload", why=why)))
