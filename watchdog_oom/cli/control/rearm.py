"""``watchdog-oom rearm``: lift the hold of one recovery, without touching anything else."""

from __future__ import annotations

import click

from watchdog_oom.cli import options
from watchdog_oom.cli.control.client import ask, finish


@click.command(short_help="Lift the hold of a recovery.")
@options.rule
@options.why
@options.runtime
@click.pass_context
def rearm(context: click.Context, rule: str, why: str, runtime: str) -> None:
    """Lift the hold of the recovery RULE, and forget its attempts and its cooldown. Other rules keep theirs.

    Exit status: 0 it is armed, 1 it is under way, 2 there is no such recovery, 3 not permitted, 4 the daemon is not
    running.
    """
    context.exit(finish(ask(runtime, "rearm", rule=rule, why=why), rule))
