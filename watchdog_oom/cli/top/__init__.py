"""``watchdog-oom top``: the host as it was at some time, from the flight recorder."""

from __future__ import annotations

import click

from watchdog_oom.cli.output import draws_well, show, show_json
from watchdog_oom.cli.recordings import EXIT_NOTHING, LOG_OPTION, Troubles, recording_of, say_nothing_was_recorded
from watchdog_oom.cli.since import parse_since
from watchdog_oom.cli.top.form import plain_view
from watchdog_oom.cli.top.moments import Moments
from watchdog_oom.cli.top.page import page_of
from watchdog_oom.cli.top.rows import SORTS, Choice
from watchdog_oom.cli.top.screen import Screen

_MOST_LINES = 25  # of a page that nobody scrolls


@click.command(short_help="The host as it was at some time.")
@click.argument("file", required=False, metavar="[FILE]", type=click.Path(readable=False))
@LOG_OPTION
@click.option("--at", "at", metavar="T", help="The time: -1h, 03:12, yesterday 03:12, or a date and time [the last].")
@click.option("--sort", type=click.Choice(SORTS), default=SORTS[0], help=f"What comes first [{SORTS[0]}].")
@click.option("--user", metavar="NAME", help="Only processes of this user, by name or number.")
@click.option("--unit", metavar="UNIT", help="Only processes of this unit; * and ? are wildcards.")
@click.option("-n", "--lines", "most", metavar="N", type=click.IntRange(min=1),
              help=f"So many processes [{_MOST_LINES}, all on a terminal].")
@click.option("--json", "as_json", is_flag=True, help="One JSON document, as docs/recorder.md describes it.")
@click.pass_context
def top(context: click.Context, file: str | None, directory: str | None, at: str | None, sort: str, user: str | None,
        unit: str | None, most: int | None, as_json: bool) -> None:
    """Show memory, processes, spools and services as they were at a time, from the flight recorder or from a FILE that
    "record" cut out of it.

    Keys on a terminal: left and right go to the sample before and after, [ and ] ten minutes, s sorts, up, down, PgUp
    and PgDn scroll, q quits.

    Exit status: 0 fine, 1 nothing was recorded at that time (what comes next to it is shown), 2 there is no recording.
    """
    where = recording_of(file, directory)
    wanted = None if at is None else parse_since(at)
    troubles = Troubles()
    moments = Moments(where, wanted, troubles.tell)
    choice = Choice(sort, user, unit, most)
    view = moments.view()
    if view is None:
        troubles.show()
        context.exit(say_nothing_was_recorded(where, file))
    if as_json:
        show_json(plain_view(view, choice))
    elif draws_well() and most is None:
        Screen(moments, choice).run()
    else:
        show(page_of(view, Choice(sort, user, unit, most or _MOST_LINES), None))
    troubles.show()
    if view.missed:
        if as_json:
            click.echo(f"watchdog-oom: {view.missed}", err=True)
        context.exit(EXIT_NOTHING)
