"""``watchdog-oom status``: what the running daemon reports about itself and the host."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import click

from watchdog_oom.cli import options
from watchdog_oom.cli.daemon_lock import running_daemon
from watchdog_oom.cli.output import draws_well, show
from watchdog_oom.cli.status_look import StatusLook
from watchdog_oom.cli.status_news import StatusNews
from watchdog_oom.cli.status_watch import watch_status
from watchdog_oom.daemon import status_file
from watchdog_oom.errors import FAILED_EXIT_STATUS, NotPermittedError, NotRunningError, UsageError, WatchdogError
from watchdog_oom.formatting import printable
from watchdog_oom.paths import LOG, RUNTIME

STARTING_SECONDS = 1.0
_POLL_SECONDS = 0.05


class UnreadableStatusError(WatchdogError):
    """The daemon runs, but its status file cannot be parsed."""

    exit_status = FAILED_EXIT_STATUS


@dataclass(frozen=True, slots=True)
class StatusFile:
    """The status file: raw and parsed."""

    text: str
    status: dict[str, Any]


@click.command(short_help="Is the running daemon healthy?")
@options.runtime
@click.option("--log", metavar="DIR", help=f"The journal's directory, for the last actions [{LOG}].")
@click.option("--watch", is_flag=True, help="Show it again whenever the daemon writes it, until q or Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="The daemon's status file as it is, one JSON document.")
def status(runtime: str, log: str | None, watch: bool, as_json: bool) -> None:
    """Show the running daemon: what needs attention, memory and pressure, the rules nearest to acting, what it did
    last, recoveries and holds, its policies and its health.

    Keys while it watches: q quits, space pauses the view, s sorts the processes, up, down, PgUp and PgDn scroll.

    Exit status: 0 the daemon runs, 3 not permitted, 4 it does not run.
    """
    if watch and as_json:
        raise UsageError("--watch and --json exclude each other; a program can call --json repeatedly")
    told = read_status(runtime)
    if as_json:
        click.echo(told.text)
        return
    look = StatusLook(lambda: read_status(runtime).status, log or (LOG if runtime == RUNTIME else None),
                      _largest() if watch else None)
    try:
        if watch:
            watch_status(StatusNews(runtime), look)
        else:
            show(look.page(shutil.get_terminal_size().columns if draws_well() else None))
    finally:
        look.close()


def _largest() -> Callable[[str, int], Sequence[Sequence[str]]]:
    from watchdog_oom.cli.largest import LargestProcesses  # psutil is for those who watch
    return LargestProcesses().rows


def read_status(runtime: str) -> StatusFile:
    """What the daemon of that directory last wrote; NotRunningError if none holds the lock."""
    deadline = time.monotonic() + STARTING_SECONDS
    while True:
        pid = running_daemon(runtime)
        if pid is None:
            raise _not_running(runtime)
        text = _read(f"{runtime}/{status_file.NAME}")
        if text is not None:
            return StatusFile(text, _parse(text, runtime))
        if time.monotonic() >= deadline:
            raise NotRunningError(f"the daemon (pid {pid}) is starting: it has not written its status yet")
        time.sleep(_POLL_SECONDS)


def _not_running(runtime: str) -> WatchdogError:
    where = printable(runtime)
    if os.path.exists(runtime) and not os.access(runtime, os.X_OK):
        return NotPermittedError(f"{where}: may not be entered by this user; run this as root")
    return NotRunningError(f"the daemon is not running (nobody holds {where}/lock)\n"
                           f"start it with: systemctl start watchdog-oomd    or in the foreground: watchdog-oomd\n"
                           f"if it uses another runtime directory, give it: watchdog-oom status --runtime DIR")


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="backslashreplace") as file:
            return file.read()
    except FileNotFoundError:
        return None


def _parse(text: str, runtime: str) -> dict[str, Any]:
    path = f"{printable(runtime)}/{status_file.NAME}"
    try:
        status = json.loads(text)
    except (ValueError, RecursionError):
        raise UnreadableStatusError(f"{path}: is damaged: it is not a JSON document") from None
    version = status.get("v") if isinstance(status, dict) else None
    if version != status_file.VERSION:
        raise UnreadableStatusError(f"{path}: has version {printable(str(version))}, but this command understands "
                                    f"{status_file.VERSION}: daemon and command are of different releases")
    plain: dict[str, Any] = status
    return plain
