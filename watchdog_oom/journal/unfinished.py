"""Acts that a daemon began and whose outcome is not in the journal it left.

They are only reported: what is owed is in state.json (Laws 5 and 8).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping

from watchdog_oom.journal.files import lines_of
from watchdog_oom.journal.reader import opened_segments, parse_record
from watchdog_oom.journal.record import Kind
from watchdog_oom.lean_dataclasses import dataclass
from watchdog_oom.lean_typing import Any

_START_LINE = b'"kind":"start","incident":'


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An act whose outcome is not known; ``id`` is the intent's."""

    id: str
    step: str
    rule: str | None
    incident: str | None


def unfinished(records: Iterable[Mapping[str, Any]], boot_id: str | None = None) -> tuple[Unfinished, ...]:
    """The acts still open after these records, in the order they were begun. They count since the last ``start``; with
    ``boot_id`` only that boot counts."""
    acts: dict[str, Unfinished] = {}
    for record in records:
        if boot_id is not None and record.get("boot") != boot_id:
            continue
        identity = record.get("id")
        match record.get("kind"):
            case Kind.START:
                acts.clear()
            case Kind.INTENT if isinstance(identity, str):
                acts[identity] = Unfinished(identity, str(record.get("step") or ""), record.get("rule"),
                                            record.get("incident"))
            case Kind.OUTCOME if isinstance(identity, str):
                acts.pop(identity, None)
    return tuple(acts.values())


def read_unfinished(directory: str, boot_id: str | None = None) -> tuple[Unfinished, ...]:
    """``unfinished`` over the newest segment, and the one before where the newest has no ``start`` (it was just begun,
    or the old one was damaged). Works before and after ``Journal.open``. Raises NotPermittedError."""
    return unfinished((record for line in _latest_lines(directory) if (record := parse_record(line))), boot_id)


def _latest_lines(directory: str) -> Iterator[bytes]:
    """The lines since the last start, found by its bytes: parsing 8 MiB of JSON would take longer than a start may."""
    with opened_segments(directory) as segments:
        starts = [_last_start(fd) for _name, fd in segments[-2:]]
        relevant = segments[-2:] if starts and starts[-1] is None else segments[-1:]
        for (_name, fd), start_at in zip(relevant, starts[-len(relevant):], strict=True):
            yield from _lines_from(fd, start_at or 0)


def _lines_from(fd: int, start_at: int) -> Iterator[bytes]:
    os.lseek(fd, 0, os.SEEK_SET)
    at = 0
    for line, _complete in lines_of(fd):
        if at >= start_at:
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

