"""``watchdog-oom run``: a recovery now, by hand, with the daemon's own steps, guard and budgets."""

from __future__ import annotations

import sys

import click

from watchdog_oom.cli import options
from watchdog_oom.cli.control.client import ask, finish
from watchdog_oom.cli.host_view import look
from watchdog_oom.cli.loaded import load
from watchdog_oom.cli.output import Page, show
from watchdog_oom.core.guard import Budget
from watchdog_oom.core.history import History
from watchdog_oom.errors import UsageError
from watchdog_oom.explain.rehearsal import rehearse


@click.command(short_help="Run a recovery now, as if its clause had held.")
@options.rule
@click.option("--yes", is_flag=True, help="Do not ask; needed where there is no terminal.")
@options.why
@options.policies
@options.config
@options.runtime
@click.pass_context
def run(context: click.Context, rule: str, yes: bool, why: str, directories: tuple[str, ...], config_path: str | None,
        runtime: str) -> None:
    """Have the daemon run the recovery RULE now, as if a clause had held; show each step when it is verified.

    On a terminal it shows first what the steps would meet now, and asks. Hours and cooldown do not keep it; a hold, a
    pause and mode = "observe" do. It counts as an attempt.

    Exit status: 0 recovered, 1 failed or not begun, 2 there is no such recovery, 3 not permitted, 4 the daemon is not
    running.
    """
    if not yes and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("there is no terminal to ask on; say --yes")
    if not yes:
        _show(rule, directories, config_path, runtime)
        click.confirm("Run it now?", abort=True)
    context.exit(finish(ask(runtime, "run", rule=rule, why=why), rule))


def _show(rule: str, directories: tuple[str, ...], config_path: str | None, runtime: str) -> None:
    """The steps of the recovery, and what each would meet now. What the rule is called is the daemon's to judge."""
    loaded = load((), directories, config_path)
    host = look(loaded.policy, loaded.config, "/proc", runtime)
    budget = Budget(loaded.config.kills_per_minute, loaded.config.purge_entries)
    rehearsal = rehearse(host.snapshot, loaded.policy, History(), budget)
    page = Page()
    for report in rehearsal.recoveries:
        if rule in (report.rule, report.recover.name):
            page.line((f"{report.rule} would run", "bold red"))
            for number, step in enumerate(report.steps, 1):
                page.line(f"{number}. {step.step}", (f"  ({step.now})" if step.now else "", "dim"), indent=1)
    show(page)
