"""The notifier in ``status``: whom it could not tell, and since when. Another process wrote it: nothing is believed."""

from __future__ import annotations

import json
import os
import stat
from typing import Any

from watchdog_oom import formatting
from watchdog_oom.cli.output import Page, Part, local_time
from watchdog_oom.cli.status.values import Plain, map_of, number_of, texts_of

OWN = "-notify"  # its directories are those of the daemon with this behind their names
STALE_SECONDS = 300.0
_MOST_BYTES = 1 << 18
_MOST_TARGETS = 50


def read_standing(runtime: str) -> dict[str, Any]:
    """What the notifier beside the daemon of that runtime directory last wrote; empty where there is none."""
    try:
        fd = os.open(f"{runtime}{OWN}/notify.json", os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return {}
    try:
        found = json.loads(os.read(fd, _MOST_BYTES)) if stat.S_ISREG(os.fstat(fd).st_mode) else {}
    except (OSError, ValueError, RecursionError):
        return {}
    finally:
        os.close(fd)
    return found if isinstance(found, dict) else {}


def notify_troubles(notify: Plain, now: float) -> list[str]:
    """What needs attention, each in a line."""
    found = [f"notify: {words}" for words in texts_of(notify, "troubles")]
    if notify and now - number_of(notify, "written") > STALE_SECONDS:
        found.append("notify has written nothing for "
                     f"{formatting.duration(now - number_of(notify, 'written'))}: nobody is told of anything")
    for name in list(map_of(notify, "targets"))[:_MOST_TARGETS]:
        target = map_of(map_of(notify, "targets"), name)
        if number_of(target, "failures"):
            since = local_time(number_of(target, "failing_since"), now)
            waits = formatting.count(int(number_of(target, "waiting")), "message")
            found.append(f"{name} could not be told since {since} ({waits} waiting): {target.get('last_error')}")
    return found


def show_notify(page: Page, notify: Plain, now: float) -> None:
    if notify:
        page.title("Notify")
    for name in list(map_of(notify, "targets"))[:_MOST_TARGETS]:
        target = map_of(map_of(notify, "targets"), name)
        failures, waits = int(number_of(target, "failures")), int(number_of(target, "waiting"))
        last = number_of(target, "last_sent")
        told = f"  last told {local_time(last, now)}" if last else "  not told anything yet"
        why = f" ({target['held_back']})" if target.get("held_back") else ""
        waiting: Part = (f", {formatting.count(waits, 'message')} waiting{why}", "yellow") if waits else ""
        again = local_time(number_of(target, "next_try"), now)
        trying: Part = (f", {formatting.count(failures, 'failure')}, next try {again}", "bold red") if failures else ""
        page.line((name, "bold"), told, waiting, trying, indent=1)
