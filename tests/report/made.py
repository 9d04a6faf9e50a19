"""Snapshots of a small host, by who runs on it when."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.core.build import proc
from tests.report.conftest import BEGINS
from watchdog_oom.core.memory import Memory
from watchdog_oom.core.model import Clock, Process, Snapshot

BOOTED = BEGINS - 10_000


def at(wall: float, *processes: Process) -> Snapshot:
    """A host with 4 GiB of RAM and no swap, of which what these hold is used."""
    used = sum(process.rss_bytes for process in processes) + (200 << 20)
    total = 4 << 30
    return Snapshot(Clock(wall, wall - BOOTED), memory=Memory(total, total - used, used, 0, 0),
                    processes={process.pid: process for process in processes})


def born(pid: int, name: str, when: float, wall: float, *, ppid: int = 1, rss: int = 10, **facts: Any) -> Process:
    """A process that began at that date, seen at another."""
    started = when - BOOTED
    process = proc(pid, name, ppid=ppid, rss=rss, start=int(started * 100), **facts)
    return Process(process.id, ppid, name, rss_bytes=process.rss_bytes, started_boottime=started, facts=process.facts)


def looks(*spans: tuple[float, float]) -> Iterator[float]:
    """When the recorder looked: for so many seconds each, at such a distance."""
    wall = BEGINS
    for seconds, every in spans:
        for number in range(int(seconds / every)):
            yield wall + number * every
        wall += seconds
