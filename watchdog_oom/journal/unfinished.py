"""What a daemon that ended without a word still owed, read from the journal it left (laws 5 and 8)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from watchdog_oom.journal.files import lines_of
from watchdog_oom.journal.reader import opened_segments, parse_record
from watchdog_oom.journal.record import Kind
from watchdog_oom.lean_dataclasses import dataclass

# Words with which the result of a start, or of an incident, begins when nothing is owed any more
STARTED = ("ok", "done", "started", "active")
CLOSED = ("closed",)
STILL_DOWN = "; still down: "
_START_LINE = b'"kind":"start","incident":'
_TELLING = (b'"kind":"incident","incident":', b'"kind":"recovered","incident":', b'"step":"stop ', b'"step":"start ')


@dataclass(frozen=True, slots=True)
class Unfinished:
    """Something begun whose end is not in the journal.

    With ``unit``: a recovery stopped (or was starting) that unit, and it has to be started. Without: an act whose
    outcome is unknown; ``id`` is the intent's.
    """

    id: str | None
    step: str
    rule: str | None
    incident: str | None
    unit: str | None = None
    service: str | None = None


def unfinished(records: Iterable[Mapping[str, Any]], boot_id: str | None = None) -> tuple[Unfinished, ...]:
    """What is still open after these records, in the order it was begun.

    Acts count since the last ``start``. Units count from as far back as the records reach, until they were started or
    their incident was closed with nothing still down: a daemon that crashes again before it made good must still know.
    With ``boot_id`` only that boot counts: after a reboot every service started afresh.
    """
    acts: dict[str, Unfinished] = {}
    owed: dict[str, Unfinished] = {}
    for record in records:
        if boot_id is not None and record.get("boot") != boot_id:
            continue
        match record.get("kind"):
            case Kind.START:
                acts.clear()
            case Kind.INTENT:
                _begin(record, acts, owed)
            case Kind.OUTCOME | Kind.RECOVERED:
                _end(record, acts, owed)
            case Kind.INCIDENT if _begins(record.get("result"), CLOSED):
                _forget(record.get("incident"), acts)
                if STILL_DOWN not in record["result"]:
                    _forget(record.get("incident"), owed)
    return (*owed.values(), *acts.values())


def read_unfinished(directory: str, boot_id: str | None = None) -> tuple[Unfinished, ...]:
    """``unfinished`` over the newest segment, and the one before where the newest has no ``start`` (it was just begun,
    or the old one was damaged). Works before and after ``Journal.open``. Raises NotPermittedError."""
    return unfinished((record for line in _telling_lines(directory) if (record := parse_record(line))), boot_id)


def _telling_lines(directory: str) -> Iterator[bytes]:
    """The lines that can matter, found by their bytes and never held together: parsing 8 MiB of JSON would take longer
    than a start may, and holding it would cost locked memory."""
    with opened_segments(directory) as segments:
        starts = [_last_start(fd) for _name, fd in segments[-2:]]
        relevant = segments[-2:] if starts and starts[-1] is None else segments[-1:]
        for (_name, fd), start_at in zip(relevant, starts[-len(relevant):], strict=True):
            yield from _select(fd, start_at or 0)


def _select(fd: int, start_at: int) -> Iterator[bytes]:
    """All lines from that offset on; before it, only what tells of units and incidents."""
    os.lseek(fd, 0, os.SEEK_SET)
    at = 0
    for line, _complete in lines_of(fd):
        if at >= start_at or any(mark in line for mark in _TELLING):
            yield line
        at += len(line) + 1


def _last_start(fd: int) -> int | None:
    """The offset of a segment's last ``start`` record."""
    at = 0
    found = None
    for line, _complete in lines_of(fd):
        if _START_LINE in line:
            found = at
        at += len(line) + 1
    return found


def _begin(record: Mapping[str, Any], acts: dict[str, Unfinished], owed: dict[str, Unfinished]) -> None:
    step = str(record.get("step") or "")
    identity = record.get("id")
    unit = _unit(record)
    target = record.get("target")
    service = target.get("service") if isinstance(target, dict) else None
    begun = Unfinished(identity, step, record.get("rule"), record.get("incident"), unit, service)
    if unit is not None:
        owed.setdefault(unit, begun)
    elif isinstance(identity, str):
        acts[identity] = begun


def _end(record: Mapping[str, Any], acts: dict[str, Unfinished], owed: dict[str, Unfinished]) -> None:
    acts.pop(str(record.get("id")), None)
    unit = _unit(record)
    if unit is None:
        return
    started = str(record.get("step")).startswith("start ") and _begins(record.get("result"), STARTED)
    if started or (record.get("kind") == Kind.RECOVERED and not _begins(record.get("result"), ("failed",))):
        owed.pop(unit, None)


def _forget(incident: object, table: dict[str, Unfinished]) -> None:
    for key in [key for key, begun in table.items() if incident is not None and begun.incident == incident]:
        del table[key]


def _unit(record: Mapping[str, Any]) -> str | None:
    """The unit that a ``stop`` or ``start`` step names; ``None`` for any other step."""
    verb, _, name = str(record.get("step") or "").partition(" ")
    if verb not in ("stop", "start") or not name:
        return None
    target = record.get("target")
    unit = target.get("unit") if isinstance(target, dict) else None
    return unit if isinstance(unit, str) else name


def _begins(result: object, words: tuple[str, ...]) -> bool:
    return isinstance(result, str) and result.startswith(words)
