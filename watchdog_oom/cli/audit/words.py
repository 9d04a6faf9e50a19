"""The words of one record of the journal that all lists have: subject, outcome, notes, times; safe for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from watchdog_oom.formatting import printable
from watchdog_oom.journal.record import FAILED, Kind

_COLOURS = {
    Kind.INCIDENT: "bold yellow", Kind.INTENT: "cyan", Kind.OUTCOME: "green", Kind.REFUSED: "magenta",
    Kind.RECOVERED: "bold yellow", Kind.LATE: "yellow", Kind.REQUEST: "bold cyan",
}


def told(record: Mapping[str, Any]) -> str:
    """What it is about, and what came of it."""
    failed = FAILED if has_failed(record) else None
    return ": ".join(safe_text(part) for part in (subject(record), failed, record.get("result")) if part)


def subject(record: Mapping[str, Any]) -> object:
    """The step, else the incident; empty if it is about neither."""
    return record.get("step") or (f"incident {record['incident']}" if record.get("incident") else "")


def has_failed(record: Mapping[str, Any]) -> bool:
    """An outcome that is known not to be what was wanted. Journals of older releases have no ``ok``: not known."""
    return record.get("kind") == Kind.OUTCOME and record.get("ok") is False


def notes(record: Mapping[str, Any]) -> str:
    """What the journal says about itself: lost records, damage."""
    dropped = f"  ({safe_text(record['dropped'])} records before this one were lost)" if record.get("dropped") else ""
    detail = record.get("detail")
    damaged = f"  (damaged: {safe_text(detail['damaged'])})" if isinstance(detail, dict) and "damaged" in detail else ""
    return f"{dropped}{damaged}"


def faults(record: Mapping[str, Any]) -> list[str]:
    """Why a policy was rejected, a line each."""
    detail = record.get("detail")
    found = detail.get("faults") if isinstance(detail, dict) and record["kind"] == Kind.POLICY else None
    return [safe_text(fault) for fault in found] if isinstance(found, list) else []


def colour(record: Mapping[str, Any]) -> str:
    kind = record["kind"]
    if has_failed(record):
        return "red"
    return _COLOURS.get(Kind(kind), "") if kind in {known.value for known in Kind} else ""


def local_time(stamp: str) -> str:
    try:
        return datetime.fromisoformat(stamp).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError):
        return printable(stamp)


def safe_text(value: object) -> str:
    return printable(str(value))
