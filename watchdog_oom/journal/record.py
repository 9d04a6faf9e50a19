"""One journal record: as a value, as a line of ASCII JSON, and as a sentence for people."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence, Set
from enum import StrEnum

from watchdog_oom.formatting import printable
from watchdog_oom.lean_dataclasses import dataclass

VERSION = 1
KEYS = ("v", "seq", "time", "boot", "mono", "kind", "incident", "rule", "step", "target", "because", "before", "after",
        "ok", "result", "took_s", "id", "dropped", "detail", "first", "prev")
FAILED = "failed"
LONGEST_TEXT_CHARS = 2000
LONGEST_LINE_BYTES = 64 << 10
_DEEPEST = 6
_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


class Kind(StrEnum):
    """The kind of a record."""

    START = "start"
    POLICY = "policy"
    INCIDENT = "incident"
    INTENT = "intent"
    OUTCOME = "outcome"
    REFUSED = "refused"
    RECOVERED = "recovered"
    LATE = "late"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Record:
    """What the daemon has to say. ``step`` is the step's printed form; ``target`` describes the process, service or
    spool; ``id`` is the intent's, the same in its outcome; ``ok`` is how it came out, ``None`` where that is not
    known or nothing came out. Objects may hold text, numbers, sequences and mappings; text may come from any process
    and hold anything."""

    kind: Kind
    incident: str | None = None
    rule: str | None = None
    step: str | None = None
    target: Mapping[str, object] | None = None
    because: tuple[str, ...] = ()
    before: object = None
    after: object = None
    ok: bool | None = None
    result: str | None = None
    took_seconds: float | None = None
    id: str | None = None
    detail: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """When a record was created: seconds since the epoch, and seconds of CLOCK_BOOTTIME."""

    wall: float
    boottime: float


@dataclass(frozen=True, slots=True)
class ChainPlace:
    """The position of a record in the chain. ``prev`` is the hex SHA-256 of the line before; ``dropped`` counts the
    records lost just before this one; ``first`` is the number of the oldest record that is kept."""

    seq: int
    prev: bytes
    dropped: int = 0
    first: int = 1


def now() -> Moment:
    return Moment(time.time(), time.clock_gettime(time.CLOCK_BOOTTIME))


def format_line(record: Record, place: ChainPlace, moment: Moment, boot_id: str) -> bytes:
    """The record's line without its newline: ASCII, all keys, always in the same order, ``prev`` last.

    A line longer than 64 KiB drops its objects, not the record, and says so in ``detail.omitted_bytes``.
    """
    line = _line(record, place, moment, boot_id)
    if len(line) <= LONGEST_LINE_BYTES:
        return line
    short = Record(record.kind, record.incident, record.rule, record.step, ok=record.ok, result=record.result,
                   took_seconds=record.took_seconds, id=record.id, detail={"omitted_bytes": len(line)})
    return _line(short, place, moment, boot_id)


def rfc3339(wall: float) -> str:
    """Seconds since the epoch as UTC with milliseconds: fixed width, so the text sorts by time."""
    milliseconds = int(wall * 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(milliseconds // 1000))}.{milliseconds % 1000:03d}Z"


def sentence(record: Record) -> str:
    """The record in one line for people, safe to print whatever the name of a process. Where it has no evidence of its
    own it names its incident, which has."""
    subject = record.step or (record.incident and f"incident {record.incident}") or ""
    failed = FAILED if record.kind is Kind.OUTCOME and record.ok is False else None
    head = ": ".join(printable(part) for part in (record.kind, subject, failed, record.result) if part)
    rule = f" [{printable(record.rule)}]" if record.rule else ""
    because = f" because {'; '.join(printable(reason) for reason in record.because)}" if record.because else ""
    if record.step and record.incident and not record.because:
        because = f" in incident {printable(record.incident)}"
    return f"{head}{rule}{because}"


def _line(record: Record, place: ChainPlace, moment: Moment, boot_id: str) -> bytes:
    took = record.took_seconds
    values = (VERSION, place.seq, rfc3339(moment.wall), boot_id, round(moment.boottime, 3), record.kind.value,
              record.incident, record.rule, record.step, record.target, record.because, record.before, record.after,
              record.ok, record.result, None if took is None else round(took, 3), record.id, place.dropped or None,
              record.detail, place.first)
    fields = dict(zip(KEYS[:-1], (_plain(value) for value in values), strict=True))
    fields["prev"] = place.prev.decode("ascii")
    return _encode(fields).encode("ascii")


def _plain(value: object, depth: int = 0) -> object:
    """The value in types that JSON supports; never raises, because a record must not end the daemon."""
    match value:
        case None | bool():
            return value
        case str():
            return _text(value)
        case int():
            return value if abs(value) < 1 << 63 else hex(value)
        case float():
            return value if math.isfinite(value) else str(value)
        case bytes():
            return _text(value.decode("utf-8", "surrogateescape"))
        case Mapping() if depth < _DEEPEST:
            return {_text(str(key)): _plain(inner, depth + 1) for key, inner in value.items()}
        case Sequence() | Set() if depth < _DEEPEST:
            return [_plain(inner, depth + 1) for inner in value]
        case _:
            return _text(str(value))


def _text(text: str) -> str:
    """Bytes that are not UTF-8 become ``\\xff``: a lone surrogate is legal in JSON, but strict readers reject it."""
    text = text if len(text) <= LONGEST_TEXT_CHARS else text[:LONGEST_TEXT_CHARS] + "…"
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        try:
            return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        except UnicodeEncodeError:
            return text.encode("utf-8", "backslashreplace").decode("utf-8")
    return str(text)
