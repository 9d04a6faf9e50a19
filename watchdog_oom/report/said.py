"""What a record says, taken from its keys: time, act, news. The one place that reads a record of the journal.

The state of an incident is in the first word of ``result`` alone, as docs/operations.md lists it; nothing else of the
words is read, they are shown as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from watchdog_oom.report.model import IncidentNews, NightAct
from watchdog_oom.report.words import safe

VERSION = 1
CLOSED, HELD = "closed", "held"
ONLY_TOLD = ("observed only", "reported", "outside its hours", "paused by")
OF_PROTECTION = "oom_score_adj"
_ENDING, _WAITING = ("TERM", "KILL"), ("STOP", "CONT")


def time_of(record: Mapping[str, Any]) -> float | None:
    """When it was written, in seconds since the epoch; ``None`` for what is no time."""
    try:
        moment = datetime.fromisoformat(str(record.get("time")))
        return moment.timestamp() if moment.tzinfo is not None else None
    except (ValueError, OverflowError, OSError):
        return None


def act_of(record: Mapping[str, Any], at: float) -> NightAct:
    """A record of an intent, or of an outcome whose intent is not in the time asked for, as an act without an end."""
    step = safe(record.get("step") or "")
    target = record.get("target")
    return NightAct(at, step.partition(" ")[0], step, text(record, "rule"), text(record, "incident"),
                    target if isinstance(target, dict) else {}, reasons(record))


def news_of(record: Mapping[str, Any], at: float) -> IncidentNews:
    return IncidentNews(at, text(record, "step"), text(record, "result"), truth(record), seconds(record))


def text(record: Mapping[str, Any], key: str) -> str:
    value = record.get(key)
    return safe(value) if isinstance(value, str) else ""


def truth(record: Mapping[str, Any]) -> bool | None:
    value = record.get("ok")
    return value if isinstance(value, bool) else None


def seconds(record: Mapping[str, Any]) -> float | None:
    value = record.get("took_s")
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def reasons(record: Mapping[str, Any]) -> tuple[str, ...]:
    found = record.get("because")
    return tuple(safe(reason) for reason in found) if isinstance(found, list) else ()


def begins(words: str, *beginnings: str) -> bool:
    return words.startswith(beginnings)


def ends_process(act: NightAct) -> bool:
    return act.verb in _ENDING


def process_name(act: NightAct) -> str:
    """The name of the process it was done to. What a service has just started still has that service's name, which may
    be a path that the kernel cut: then the program that it runs tells more."""
    name, exe = text(act.target, "name"), text(act.target, "exe")
    return exe.rpartition("/")[2] or name if name.startswith("/") else name


def makes_wait(act: NightAct) -> bool:
    return act.verb in _WAITING
