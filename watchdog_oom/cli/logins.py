"""The boot time of this host and its logins: from psutil, combined with the sessions that the guard protects."""

from __future__ import annotations

import psutil

from watchdog_oom.cli.output import Page, local_time
from watchdog_oom.cli.process_details import DetailReader, readable
from watchdog_oom.core.guard import leads_login_session, untouchable
from watchdog_oom.core.model import Process
from watchdog_oom.core.view import View
from watchdog_oom.lean_dataclasses import dataclass

MOST_LOGINS = 20


@dataclass(frozen=True, slots=True)
class Login:
    """A user at a terminal; ``host`` is the remote host, empty for a local login. ``untouchable`` says in words why the
    session's process is never ended, and is ``None`` if it may be."""

    user: str
    terminal: str
    host: str
    since: float
    pid: int
    name: str
    untouchable: str | None

    def to_plain(self) -> dict[str, object]:
        return {"user": self.user, "terminal": self.terminal, "from": self.host or None, "since": round(self.since),
                "pid": self.pid, "name": self.name, "untouchable": self.untouchable}


def boot_time() -> float | None:
    """When this host was started, in seconds since the epoch; ``None`` if the kernel does not report it."""
    return readable(psutil.boot_time)


def logins(view: View, details: DetailReader) -> tuple[Login, ...]:
    """The leaders of login sessions, and the other logins in utmp(5). A host may have no utmp, and utmp keeps entries
    of killed processes: an entry without a process of this host is omitted."""
    if not details.this_host:
        return ()
    recorded = {f"/dev/{user.terminal}": user for user in readable(psutil.users) or () if user.terminal}
    found: dict[str, Login] = {}
    for process in view.snapshot.processes.values():
        if leads_login_session(process, view):
            known = details.of(process)
            terminal = known.terminal or "?"
            user = recorded.pop(terminal, None)
            found[f"{terminal} {process.pid}"] = _login(process, view, known.user or "?", terminal,
                                                        user.host or "" if user else "")
    for terminal, user in recorded.items():
        holder = view.snapshot.processes.get(int(user.pid or 0))
        if holder is not None:
            found[terminal] = _login(holder, view, user.name, terminal, user.host or "")
    return tuple(sorted(found.values(), key=lambda login: (login.since, login.pid)))


def show_host(page: Page, booted: float | None, here: tuple[Login, ...], now: float) -> None:
    """The section of a page; nothing if nothing is known."""
    if booted is None and not here:
        return
    page.title("This host")
    if booted is not None:
        page.line(f"booted {local_time(booted, now)}", indent=1)
    for login in here[:MOST_LOGINS]:
        origin = f" from {login.host}" if login.host else ""
        page.line(f"{login.user} is logged in on {login.terminal}{origin} since {local_time(login.since, now)}: "
                  f"{login.name}[{login.pid}]",
                  (f", never touched: {login.untouchable}" if login.untouchable else "", "dim"), indent=1)
    if len(here) > MOST_LOGINS:
        page.line(f"and {len(here) - MOST_LOGINS} more", indent=1)


def _login(process: Process, view: View, user: str, terminal: str, host: str) -> Login:
    clock = view.snapshot.clock
    return Login(user, terminal, host, clock.wall - process.age_seconds(clock), process.pid, process.comm,
                 untouchable(process, view))
