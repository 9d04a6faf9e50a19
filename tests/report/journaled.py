"""Records as a journal gives them back: written as lines and parsed again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from watchdog_oom.journal.reader import parse_record
from watchdog_oom.journal.record import ChainPlace, Kind, Moment, Record, format_line

BOOT = "b"


def journaled(records: Iterable[tuple[float, Record]], *, set_by: float = 0.0) -> list[dict[str, Any]]:
    """``set_by`` is how far the clock was set ahead before the last of them."""
    found = []
    for number, (at, record) in enumerate(records, 1):
        line = format_line(record, ChainPlace(number, b"0" * 64), Moment(at, at - 1e9), BOOT)
        parsed = parse_record(line)
        assert parsed is not None
        found.append(parsed)
    if set_by and found:
        found[-1]["mono"] -= set_by
    return found


def incident(at: float, result: str, *, name: str = "i-1", rule: str = "recover.app", ok: bool | None = None,
             because: tuple[str, ...] = ()) -> tuple[float, Record]:
    return at, Record(Kind.INCIDENT, name or None, rule, result=result, ok=ok, because=because)


def done(at: float, step: str, target: dict[str, Any], *, name: str = "i-1", rule: str = "recover.app",
         took: float = 1.0, ok: bool | None = True, result: str = "done") -> list[tuple[float, Record]]:
    """An act: its intent and its outcome."""
    identity = f"{step}-{at}"
    return [(at, Record(Kind.INTENT, name or None, rule, step, target, id=identity)),
            (at + took, Record(Kind.OUTCOME, name or None, rule, step, target, ok=ok, result=result,
                               took_seconds=took, id=identity))]


def process(pid: int, name: str, **rest: Any) -> dict[str, Any]:
    return {"pid": pid, "start": pid * 10, "name": name, **rest}
