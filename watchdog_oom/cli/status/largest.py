"""The processes that use the most memory, for ``status --watch``: psutil's counters between two refreshes."""

from __future__ import annotations

import heapq
import os
import time

import psutil

from watchdog_oom import formatting
from watchdog_oom.cli.process_details import (
    NOTHING,
    READING_SECONDS,
    DetailReader,
    ProcessDetails,
    listens_column,
    readable,
    terminal_column,
)
from watchdog_oom.core.model import Process, ProcessId
from watchdog_oom.host.processes.procfs import read_stat, read_swap_bytes
from watchdog_oom.lean_dataclasses import dataclass

MOST_LARGEST = 8


@dataclass(frozen=True, slots=True)
class _Counters:
    moment: float
    rss_bytes: int
    cpu_seconds: float | None


class LargestProcesses:
    """Keeps the counters of the processes shown last, to compute growth and processor time."""

    def __init__(self, seconds: float = READING_SECONDS) -> None:
        """``seconds``: for so long the details of all of them together are read; what is left by then is not known."""
        self._seconds = seconds
        self._before: dict[ProcessId, _Counters] = {}

    def rows(self, by: str = "memory", most: int = MOST_LARGEST) -> list[tuple[str, ...]]:
        """The columns of status_rules.LARGEST, in one of the ORDERS. This command itself is omitted."""
        details = DetailReader(seconds=self._seconds)
        before, self._before = self._before, {}
        rows = []
        for process in _ordered(_largest(by, most), by):
            known = details.of(process)
            now = _Counters(time.clock_gettime(time.CLOCK_BOOTTIME), process.rss_bytes, known.cpu_seconds)
            rows.append(_row(process, known, now, before.get(process.id)))
            self._before[process.id] = now
        return rows


def _largest(by: str, most: int) -> list[Process]:
    """Those that hold most memory or, ordered by swap, most of that."""
    sizes: dict[int, int] = {}
    for running in psutil.process_iter():
        memory = readable(running.memory_info)
        if memory is not None and memory.rss and running.pid != os.getpid():
            sizes[running.pid] = read_swap_bytes("/proc", running.pid) or 0 if by == "swap" else memory.rss
    pids = heapq.nlargest(most, sizes, key=sizes.__getitem__)
    return [process for pid in pids if (process := _read(pid)) is not None]


def _ordered(processes: list[Process], by: str) -> list[Process]:
    """Of age, the oldest first."""
    if by == "age":
        return sorted(processes, key=lambda process: process.id.start_ticks)
    return sorted(processes, key=lambda process: process.comm.lower()) if by == "name" else processes


def _read(pid: int) -> Process | None:
    """Its name, age and identity as the daemon reads them. For a long name psutil would read the command line, which
    can block on a stuck process."""
    try:
        return read_stat("/proc", pid)
    except (OSError, ValueError):
        return None


def _row(process: Process, known: ProcessDetails, now: _Counters, before: _Counters | None) -> tuple[str, ...]:
    swap = read_swap_bytes("/proc", process.pid)
    return (str(process.pid), known.user or "?", terminal_column(known), formatting.size(process.rss_bytes),
            _change(now, before), NOTHING if not swap else formatting.size(swap), _cpu(now, before),
            formatting.duration(max(0.0, now.moment - process.started_boottime)),
            listens_column(known), formatting.printable(process.comm))


def _change(now: _Counters, before: _Counters | None) -> str:
    if before is None or now.rss_bytes == before.rss_bytes:
        return NOTHING
    change = now.rss_bytes - before.rss_bytes
    return f"{'+' if change > 0 else '-'}{formatting.size(abs(change))}"


def _cpu(now: _Counters, before: _Counters | None) -> str:
    """Percent of one processor since the last refresh."""
    if before is None or now.cpu_seconds is None or before.cpu_seconds is None or now.moment <= before.moment:
        return NOTHING
    return formatting.percent(round(100 * (now.cpu_seconds - before.cpu_seconds) / (now.moment - before.moment), 1))
