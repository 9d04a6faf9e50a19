"""A sample as one line of JSON: what changed since the sample before it, or, in a keyframe, since nothing at all.

``frame`` makes objects of JSON types, which the daemon can hand to a child as they are (marshal); ``encode`` makes the
line. ``decode`` reads lines back. docs/recorder.md describes the format. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from watchdog_oom.core.model import Clock, Process, Snapshot
from watchdog_oom.lean_dataclasses import replace
from watchdog_oom.lean_typing import Any
from watchdog_oom.recorder.plain import SHAPES, changed, plain, record
from watchdog_oom.recorder.sample import VERSION, SampleKind

NOTHING = Snapshot(Clock(0.0, 0.0))
RECORDS = ("memory", "pressure")
TABLES = ("spools", "services")
WHOLE = ("boot_id", "memory_problem", "lineage", "below", "reparented", "skipped")
EVENTS = ("kernel_kills", "kernel_log_gaps", "reports")  # they happened since the sample before
CHANGED = "_changed"
_NOTHING_ABOUT: Mapping[str, str] = {}
_PROCESS = SHAPES[Process]


def encode(previous: Snapshot | None, snapshot: Snapshot, kind: SampleKind = SampleKind.CALM, *, dropped: int = 0,
           about: Mapping[str, str] = _NOTHING_ABOUT) -> bytes:
    """The line of a sample, its end included."""
    return line_of(frame(previous, snapshot, kind, dropped=dropped, about=about))


def line_of(form: Mapping[str, Any]) -> bytes:
    """What ``frame`` or ``extra`` made, as a line."""
    return json.dumps(form, separators=(",", ":")).encode() + b"\n"


def frame(previous: Snapshot | None, snapshot: Snapshot, kind: SampleKind = SampleKind.CALM, *, dropped: int = 0,
          about: Mapping[str, str] = _NOTHING_ABOUT) -> dict[str, Any]:
    """``previous`` is the snapshot of the line before in the same member; ``None``: a keyframe, which alone may tell
    ``about`` the recording. What happened at ticks that were not recorded must be in the snapshot: see ``with_events``.
    """
    form: dict[str, Any] = {"kind": kind.value}
    if previous is None:
        form = {"v": VERSION, **form, "about": dict(about)} if about else {"v": VERSION, **form}
    if dropped:
        form["dropped"] = dropped
    before = previous or NOTHING
    form["clock"] = changed(before.clock, snapshot.clock, SHAPES[Clock])
    for name in RECORDS:
        _put_record(form, name, getattr(before, name), getattr(snapshot, name))
    _put_processes(form, before.processes, snapshot.processes)
    for name in TABLES:
        _put_table(form, name, getattr(before, name), getattr(snapshot, name))
    for name in WHOLE:
        was, now = getattr(before, name), getattr(snapshot, name)
        if was is not now and was != now:
            form[name] = plain(now)
    form |= {name: plain(events) for name in EVENTS if (events := getattr(snapshot, name))}
    return form


def with_events(snapshot: Snapshot, passed: Iterable[Snapshot]) -> Snapshot:
    """The snapshot with what happened since the last sample, at ticks that were not recorded."""
    earlier = [each for each in passed if each.kernel_kills or each.kernel_log_gaps or each.reports]
    if not earlier:
        return snapshot
    ticks = (*earlier, snapshot)
    return replace(snapshot, kernel_kills=tuple([kill for each in ticks for kill in each.kernel_kills]),
                   kernel_log_gaps=sum(each.kernel_log_gaps for each in ticks),
                   reports=tuple([report for each in ticks for report in each.reports]))


def extra(texts: Mapping[str, str], boottime: float) -> dict[str, Any]:
    """Texts that were read at that time: a line of its own, after the sample they belong to."""
    return {"kind": SampleKind.BEFORE.value, "extra": dict(texts), "read_boottime": boottime}


def _put_record(form: dict[str, Any], name: str, before: Any, now: Any) -> None:
    """A record that may be missing: whole if there was none, its changes, or null."""
    if before is now or before == now:
        return
    if before is None or now is None:
        form[name] = plain(now)
    else:
        form[name] = changed(before, now, SHAPES[type(now)])


def _put_processes(form: dict[str, Any], before: Mapping[int, Process], now: Mapping[int, Process]) -> None:
    """Who is gone, who is new, and what changed: by field and then by process, which compresses best. The order of
    processes decides between equals, so it is told where it is not that of a dictionary."""
    gone = [pid for pid in before if pid not in now]
    new: dict[str, Any] = {}
    fields: dict[str, dict[str, Any]] = {}
    for pid, process in now.items():
        was = before.get(pid)
        if was is process:
            continue
        if was is None:
            new[str(pid)] = record(process, _PROCESS)
        else:
            for name, value in changed(was, process, _PROCESS).items():
                fields.setdefault(name, {})[str(pid)] = value
    form |= {key: value for key, value in (("gone", gone), ("new", new), ("changed", fields)) if value}
    if [*(pid for pid in before if pid in now), *(int(pid) for pid in new)] != list(now):
        form["order"] = list(now)


def _put_table(form: dict[str, Any], name: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """All of it where others are in it than before; else what changed, by name."""
    if list(before) != list(now):
        form[name] = plain(now)
        return
    found = {key: changed(before[key], state, SHAPES[type(state)]) for key, state in now.items()
             if before[key] is not state}
    found = {key: fields for key, fields in found.items() if fields}
    if found:
        form[name + CHANGED] = found
