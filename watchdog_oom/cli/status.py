"""``watchdog-oom status``: what the running daemon reports about itself and the host."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from watchdog_oom.cli import options
from watchdog_oom.cli.daemon_lock import running_daemon
from watchdog_oom.cli.fold import folded
from watchdog_oom.cli.output import Page, show, wants_colour
from watchdog_oom.cli.status_attention import ATTENTION
from watchdog_oom.cli.status_news import StatusNews
from watchdog_oom.cli.status_page import page_of
from watchdog_oom.daemon import status_file
from watchdog_oom.errors import FAILED_EXIT_STATUS, NotPermittedError, NotRunningError, UsageError, WatchdogError
from watchdog_oom.formatting import printable

if TYPE_CHECKING:
    from rich.text import Text

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
@click.option("--watch", is_flag=True, help="Show it again whenever the daemon writes it, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="The daemon's status file as it is, one JSON document.")
def status(runtime: str, watch: bool, as_json: bool) -> None:
    """Show the running daemon: memory and pressure, armed rules, recoveries and holds, its policies and its health.

    Exit status: 0 the daemon runs, 3 not permitted, 4 it does not run.
    """
    if watch and as_json:
        raise UsageError("--watch and --json exclude each other; a program can call --json repeatedly")
    told = read_status(runtime)
    if as_json:
        click.echo(told.text)
    elif watch:
        from watchdog_oom.cli.largest import LargestProcesses  # psutil is for those who watch
        largest = LargestProcesses()
        _watch(StatusNews(runtime), lambda: page_of(read_status(runtime).status, time.time(), largest.rows()))
    else:
        show(page_of(told.status, time.time()))


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


def _watch(news: StatusNews, read_page: Callable[[], Page]) -> None:
    """Until Ctrl-C. If the daemon stops, keep waiting: it may be restarting."""
    def current() -> Page:
        try:
            return read_page()
        except WatchdogError as error:
            page = Page()
            for line in str(error).splitlines():
                page.line((line, "red"))
            return page

    try:
        if sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
            _watch_live(news, current)
        while True:
            show(current())
            click.echo()
            news.wait()
    except KeyboardInterrupt:
        return


def _watch_live(news: StatusNews, current: Callable[[], Page]) -> None:
    from rich.console import Console
    from rich.live import Live
    console = Console(highlight=False, emoji=False, markup=False, no_color=not wants_colour())

    def fitting() -> Text:
        """One row is left for the cursor: a page of the full height would scroll at each turn."""
        text = folded(current(), max(20, console.width), max(1, console.height - 1), keep=(ATTENTION,)).rich()
        text.no_wrap, text.overflow = True, "crop"  # wide characters take two columns
        return text

    with Live(fitting(), console=console, auto_refresh=False) as live:
        while True:
            news.wait()
            live.update(fitting(), refresh=True)
