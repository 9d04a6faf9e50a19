"""``watchdog-oom pause`` and ``resume``: maintenance, in which rules only report what they would do."""

from __future__ import annotations

import click

from watchdog_oom.cli import options
from watchdog_oom.cli.control.client import ask, finish, one_or_all
from watchdog_oom.errors import UsageError
from watchdog_oom.policy.units import parse_duration


@click.command(short_help="Let a rule, or all, only report for a while.")
@options.rule_or_all
@options.all_rules
@click.option("--for", "duration", metavar="TIME", required=True, help="For how long: 90s, 20min, 2h; at most 7d.")
@options.why
@options.runtime
@click.pass_context
def pause(context: click.Context, rule: str | None, everything: bool, duration: str, why: str, runtime: str) -> None:
    """Let RULE, or --all rules, only report what they would do, until the time is over or "resume" is called.

    The emergency rule is only paused by its own name, and a recovery under way finishes first. A restart of the daemon
    does not end a pause.

    Exit status: 0 paused, 1 it was paused already, 2 wrong usage, 3 not permitted, 4 the daemon is not running.
    """
    try:
        seconds = parse_duration(duration)
    except ValueError as error:
        raise UsageError(f"--for: {error}") from None
    named = one_or_all(rule, everything)
    context.exit(finish(ask(runtime, "pause", rule=named, for_seconds=seconds, why=why), rule))


@click.command(short_help="End a pause before its time.")
@options.rule_or_all
@options.all_rules
@options.why
@options.runtime
@click.pass_context
def resume(context: click.Context, rule: str | None, everything: bool, why: str, runtime: str) -> None:
    """Let RULE act again, or --all rules, also those paused by name; not the emergency, which has to be named.

    Exit status: 0 it acts again, 1 it was not paused, 2 wrong usage, 3 not permitted, 4 the daemon is not running.
    """
    named = one_or_all(rule, everything)
    context.exit(finish(ask(runtime, "resume", rule=named, why=why), rule))
