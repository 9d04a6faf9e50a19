"""Recordings for tests: a directory with what a night of samples leaves."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.core.build import proc, snapshot
from watchdog_oom.core.model import Clock, Process, Snapshot
from watchdog_oom.lean_dataclasses import replace
from watchdog_oom.recorder.frames import encode
from watchdog_oom.recorder.sample import SampleKind
from watchdog_oom.recorder.segments import FlightWriter

MIDNIGHT = 1_772_323_200.0  # 2026-03-01 00:00 UTC
BOOTED = MIDNIGHT - 86_400


def at(wall: float, *processes: Process, boot: str = "b", set_by: float = 0.0, **parts: Any) -> Snapshot:
    """The host at that date; ``set_by`` is how far the clock is ahead of the true one."""
    seen = snapshot(*(processes or (proc(10, "init", rss=8),)), boot_id=boot)
    clock = Clock(wall=wall + set_by, boottime=wall - BOOTED, local_minute=0, offsets=(BOOTED + set_by,))
    return replace(seen, clock=clock, **parts)


def record(directory: Path, night: Iterable[Snapshot], *, member_seconds: float = 600.0,
           kind: SampleKind = SampleKind.CALM) -> None:
    """One after the other; a ring begins with a keyframe."""
    writer = FlightWriter(str(directory), 1 << 30, 1e9)
    previous: Snapshot | None = None
    begun = 0.0
    for seen in night:
        if previous is None or seen.clock.boottime - begun >= member_seconds or seen.boot_id != previous.boot_id:
            previous, begun = None, seen.clock.boottime
        writer.write(encode(previous, seen, kind, about={"host": "mail.example"} if previous is None else {}),
                     seen.clock.wall, keyframe=previous is None)
        previous = seen
    writer.end()


def recorded_log(log: Path, night: Iterable[Snapshot]) -> Path:
    """A log directory with that night in its ``flight``, and nothing else."""
    (log / "flight").mkdir()
    record(log / "flight", night)
    return log
