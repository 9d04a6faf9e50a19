"""What ``status`` says first of all: which rules are paused, until when, by whom and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from watchdog_oom import formatting
from watchdog_oom.cli.output import Page, local_time
from watchdog_oom.core.pause import ALL


def show_pauses(page: Page, pauses: Iterable[Mapping[str, Any]], now: float) -> None:
    """``pauses`` are as the status file has them; ``now`` is the reader's time, in seconds since the epoch."""
    for pause in pauses:
        rule = str(pause.get("rule"))
        everything = "ALL RULES BUT THE EMERGENCY ARE PAUSED: they only report"
        who = everything if rule == ALL else f"{rule} IS PAUSED: it only reports"
        until = float(pause.get("until") or 0)
        page.line((f"{who} until {local_time(until, now)}", "bold yellow"),
                  f" (for another {formatting.duration(max(0.0, until - now))}), by {pause.get('by')}",
                  f", because {pause['why']}" if pause.get("why") else "")
