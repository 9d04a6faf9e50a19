"""What the running daemon last wrote of itself, for the commands."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping
from typing import Any

from watchdog_oom.cli.daemon_lock import running_daemon
from watchdog_oom.errors import FAILED_EXIT_STATUS, NotPermittedError, NotRunningError, WatchdogError
from watchdog_oom.formatting import printable
from watchdog_oom.lean_dataclasses import dataclass
from watchdog_oom.paths import STATUS_NAME, STATUS_VERSION

STARTING_SECONDS = 1.0
MOST_NAMED = 20
_POLL_SECONDS = 0.05


class UnreadableStatusError(WatchdogError):
    """The daemon runs, but its status file cannot be parsed."""

    exit_status = FAILED_EXIT_STATUS


@dataclass(frozen=True, slots=True)
class StatusFile:
    """The status file: raw and parsed."""

    text: str
    status: dict[str, Any]


def read_status(runtime: str) -> StatusFile:
    """What the daemon of that directory last wrote; NotRunningError if none holds the lock."""
    deadline = time.monotonic() + STARTING_SECONDS
    while True:
        pid = running_daemon(runtime)
        if pid is None:
            raise _not_running(runtime)
        text = _read(f"{runtime}/{STATUS_NAME}")
        if text is not None:
            return StatusFile(text, _parse(text, runtime))
        if time.monotonic() >= deadline:
            raise NotRunningError(f"the daemon (pid {pid}) is starting: it has not written its status yet")
        time.sleep(_POLL_SECONDS)


def unwritten_words(protected: Iterable[Mapping[str, object]]) -> list[str]:
    """What could not be written, once for each reason."""
    reasons: dict[str, list[str]] = {}
    for one in protected:
        if one.get("not_written"):
            reasons.setdefault(str(one["not_written"]), []).append(f"{one.get('name')}[{one.get('pid')}]")
    return [f"oom_score_adj of {', '.join(names[:MOST_NAMED])}{' and others' if len(names) > MOST_NAMED else ''} "
            f"is not written: {words}" for words, names in reasons.items()]


def _not_running(runtime: str) -> WatchdogError:
    where = printable(runtime)
    if os.path.exists(runtime) and not os.access(runtime, os.X_OK):
        return NotPermittedError(f"{where}: may not be entered by this user; run this as root")
    return NotRunningError(f"the daemon is not running (nobody holds {where}/lock)\n"
                           f"start it {_how_to_start()}\n"
                           f"if it uses another runtime directory, give it: watchdog-oom status --runtime DIR")


def _how_to_start() -> str:
    """By what this host has."""
    if os.path.isdir("/run/systemd/system"):  # sd_booted(3)
        return "with: systemctl start watchdog-oomd    or in the foreground: watchdog-oomd"
    if os.path.exists("/etc/init.d/watchdog-oomd"):
        return "with: service watchdog-oomd start    or in the foreground: watchdog-oomd"
    return "with: watchdog-oomd    which stays in the foreground"


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="backslashreplace") as file:
            return file.read()
    except FileNotFoundError:
        return None


def _parse(text: str, runtime: str) -> dict[str, Any]:
    path = f"{printable(runtime)}/{STATUS_NAME}"
    try:
        status = json.loads(text)
    except (ValueError, RecursionError):
        raise UnreadableStatusError(f"{path}: is damaged: it is not a JSON document") from None
    version = status.get("v") if isinstance(status, dict) else None
    if version != STATUS_VERSION:
        raise UnreadableStatusError(f"{path}: has version {printable(str(version))}, but this command understands "
                                    f"{STATUS_VERSION}: daemon and command are of different releases")
    plain: dict[str, Any] = status
    return plain
