"""``watchdog-oom status``: what the running daemon reports about itself and the host."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence

import click

from watchdog_oom.cli import options
from watchdog_oom.cli.daemon_status import read_status
from watchdog_oom.cli.output import draws_well, show
from watchdog_oom.errors import UsageError
from watchdog_oom.paths import LOG, RUNTIME


@click.command(short_help="Is the running daemon healthy?")
@options.runtime
@click.option("--log", metavar="DIR", help=f"The journal's directory, for the last actions [{LOG}].")
@click.option("--watch", is_flag=True, help="Show it again whenever the daemon writes it, until q or Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="The daemon's status file as it is, one JSON document.")
@click.option("--check", is_flag=True, help="One line and an exit status for Nagios and Icinga.")
@click.pass_context
def status(context: click.Context, runtime: str, log: str | None, watch: bool, as_json: bool, check: bool) -> None:
    """Show the running daemon: what needs attention, memory and pressure, the rules nearest to acting, what it did
    last, recoveries and holds, its policies and its health.

    Keys while it watches: q quits, space pauses the view, s sorts the processes, up, down, PgUp and PgDn scroll.

    Exit status: 0 the daemon runs, 3 not permitted, 4 it does not run. With --check: 0 OK, 1 warning, 2 critical (also
    where it does not run), 3 unknown.
    """
    if check and (watch or as_json):
        raise UsageError("--check is one line for a monitor: it excludes --watch and --json")
    if watch and as_json:
        raise UsageError("--watch and --json exclude each other; a program can call --json repeatedly")
    if check:
        from watchdog_oom.cli.status.one_line import check_line
        state, line = check_line(lambda: read_status(runtime), time.time())
        click.echo(line)
        context.exit(state)
    told = read_status(runtime)
    if as_json:
        click.echo(told.text)
        return
    from watchdog_oom.cli.status.look import StatusLook  # a third of the time, which --json need not take
    from watchdog_oom.cli.status.notifier import read_standing
    look = StatusLook(lambda: {**read_status(runtime).status, "notify": read_standing(runtime)},
                      log or (LOG if runtime == RUNTIME else None), _largest() if watch else None)
    try:
        if watch:
            from watchdog_oom.cli.status.news import StatusNews
            from watchdog_oom.cli.status.watch import watch_status
            watch_status(StatusNews(runtime), look)
        else:
            show(look.page(shutil.get_terminal_size().columns if draws_well() else None))
    finally:
        look.close()


def _largest() -> Callable[[str, int], Sequence[Sequence[str]]]:
    from watchdog_oom.cli.status.largest import LargestProcesses  # psutil is for those who watch
    return LargestProcesses().rows
