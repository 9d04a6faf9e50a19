"""``watchdog-oom replay``: a recorded night against a policy, or two of them."""

from __future__ import annotations

from math import inf

import click

from watchdog_oom.cli import options
from watchdog_oom.cli.loaded import LoadedPolicy, load
from watchdog_oom.cli.output import safe, show, show_json
from watchdog_oom.cli.plan.as_json import to_plain
from watchdog_oom.cli.plan.page import page_of as plan_page
from watchdog_oom.cli.process_details import DetailReader
from watchdog_oom.cli.recordings import EXIT_NOTHING, LOG_OPTION, Troubles, recording_of, say_nothing_was_recorded
from watchdog_oom.cli.replay.at import moment_of
from watchdog_oom.cli.replay.compare import first_difference
from watchdog_oom.cli.replay.form import plain_night
from watchdog_oom.cli.replay.night import run
from watchdog_oom.cli.replay.page import moment, page_of
from watchdog_oom.cli.since import parse_since
from watchdog_oom.cli.top.moments import Moments
from watchdog_oom.errors import UsageError
from watchdog_oom.paths import POLICIES
from watchdog_oom.recorder.act import ActKind
from watchdog_oom.recorder.reading import covered, samples

EXIT_ACTS = 1


@click.command(short_help="A recorded night against a policy.")
@click.argument("file", required=False, metavar="[FILE]", type=click.Path(readable=False))
@options.policies
@options.config
@LOG_OPTION
@click.option("--compare", metavar="DIR", type=click.Path(readable=False),
              help="Another directory of policies, or one file: where do the two first differ, and by how long?")
@click.option("--at", "at", metavar="T", help="Only this moment, as plan shows it: -1h, 03:12, or a date and time.")
@click.option("--since", metavar="T", help="From then on: 8h, 22:00, yesterday 22:00, or a date and time [the first].")
@click.option("--until", metavar="T", help="Until then, written in the same way [the last].")
@click.option("--json", "as_json", is_flag=True, help="One JSON document, as docs/recorder.md describes it.")
@click.pass_context
def replay(context: click.Context, file: str | None, directories: tuple[str, ...], config_path: str | None,
           directory: str | None, compare: str | None, at: str | None, since: str | None, until: str | None,
           as_json: bool) -> None:
    """Try a policy on what the flight recorder saw, or on a FILE that "record" cut out of it: each sample is judged as
    the daemon would have judged it. Nothing is done.

    After the first act of the policy the recording is another world: what follows is told as what it would also have
    done.

    Exit status: 0 nothing would be done, or with --compare no difference, 1 something would, or nothing was recorded in
    that time, 2 there is no recording or a policy is not valid.
    """
    if at is not None and (compare is not None or since is not None or until is not None):
        raise UsageError("--at shows one moment of one policy, so it excludes --compare, --since and --until")
    first, last = -inf if since is None else parse_since(since), inf if until is None else parse_since(until)
    if first > last:
        raise UsageError(f"--since {since} is later than --until {until}")
    name = ", ".join(directories) or POLICIES
    policies = {name: load((), directories, config_path)}
    if compare is not None:
        if compare == name:
            raise UsageError(f"--compare {compare}: is the policy itself")
        policies[compare] = load((), (compare,), config_path)
    where = recording_of(file, directory)
    troubles = Troubles()
    if at is not None:
        status = _at(where, parse_since(at), policies[name], troubles, as_json=as_json)
        context.exit(say_nothing_was_recorded(where, file) if status is None else status)
    night = run(samples(where, first, last, troubles.tell), policies)
    troubles.show()
    if night is None:
        context.exit(_say_nothing(where, file))
    acts = [verdict.acts for verdict in night.verdicts]
    difference = first_difference(*acts) if compare is not None else None
    if as_json:
        show_json(plain_night(night, where, difference))
    else:
        show(page_of(night, where, difference))
    acted = difference is not None if compare is not None else any(act.kind is ActKind.ACT for act in acts[0])
    context.exit(EXIT_ACTS if acted else 0)


def _at(where: str, wanted: float, loaded: LoadedPolicy, troubles: Troubles, *, as_json: bool) -> int | None:
    """The exit status; ``None``: the recording has no sample."""
    found = moment_of(where, Moments(where, wanted, troubles.tell), loaded)
    troubles.show()
    if found is None:
        return None
    details = DetailReader(where)  # no /proc of this host
    if found.missed:
        click.echo(f"watchdog-oom: {safe(found.missed)}", err=True)
    if as_json:
        show_json({**to_plain(found.rehearsal, found.host, found.notes, details), "time": found.wall})
    else:
        show(plan_page(found.rehearsal, found.notes, details, f"The host at {moment(found.wall)}"))
    return EXIT_ACTS if found.rehearsal.acts or found.missed else 0


def _say_nothing(where: str, file: str | None) -> int:
    span = covered(where)
    if span is None:
        return say_nothing_was_recorded(where, file)
    click.echo(f"watchdog-oom: {safe(where)}: nothing was recorded in that time; the recording goes from "
               f"{moment(span[0])} to {moment(span[1])}", err=True)
    return EXIT_NOTHING
