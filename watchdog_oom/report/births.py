"""Processes that began, by their line of ancestors: all that were seen, and those that even looks would have seen.

The recorder looks every tick when it gets tight, and sees many a process then that it would have missed before. Who
compares how often something began at two times needs the same look at both: ``evenly``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from statistics import median

from watchdog_oom.core.model import Process, ProcessId, Snapshot
from watchdog_oom.report.words import safe_name

MOST_LINES = 400  # of ancestors, whose births are kept
MOST_BIRTHS = 3000  # of one line
LONGEST_LINE = 8
EVEN_SECONDS = 10.0  # looks are at least so far apart, and as far as those of the calm recording usually are
_EARLY_SHARE = 0.05  # ticks do not come exactly on time
_DISTANCES = 64

Lines = dict[tuple[str, ...], deque[float]]


class Births:
    """Takes the samples in their order. The processes of the first were there before."""

    def __init__(self) -> None:
        self._all: Lines = {}
        self._evenly: Lines = {}
        self._known: frozenset[ProcessId] | None = None
        self._known_evenly: frozenset[ProcessId] = frozenset()
        self._looked_at = 0.0
        self._distances: deque[float] = deque(maxlen=_DISTANCES)

    def add(self, snapshot: Snapshot, living: frozenset[ProcessId]) -> None:
        """Those that began since the sample before; of those that began and ended between two nobody knows."""
        if self._known is None:
            self._known_evenly, self._looked_at = living, snapshot.clock.wall
        else:
            _note(self._all, snapshot, living - self._known)
            if self._is_even(snapshot.clock.wall):
                _note(self._evenly, snapshot, living - self._known_evenly)
                self._known_evenly = living
        self._known = living

    def all(self) -> dict[tuple[str, ...], tuple[float, ...]]:
        """When processes of each line began."""
        return {line: tuple(times) for line, times in self._all.items()}

    def evenly(self) -> dict[tuple[str, ...], tuple[float, ...]]:
        """The same, of those that looks at equal distances have seen."""
        return {line: tuple(times) for line, times in self._evenly.items()}

    def _is_even(self, wall: float) -> bool:
        usual = median(self._distances) if self._distances else EVEN_SECONDS
        passed = wall - self._looked_at
        if 0 <= passed < usual * (1 - _EARLY_SHARE):
            return False
        self._distances.append(max(EVEN_SECONDS, passed))
        self._looked_at = wall
        return True


def line_of(process: Process, processes: Mapping[int, Process]) -> tuple[str, ...]:
    """Its ancestors and itself by name, the eldest first, without pid 1."""
    line = [safe_name(process.comm)]
    seen = {process.pid}
    parent = processes.get(process.ppid)
    while parent is not None and parent.pid != 1 and parent.pid not in seen and len(line) < LONGEST_LINE:
        seen.add(parent.pid)
        line.append(safe_name(parent.comm))
        parent = processes.get(parent.ppid)
    return tuple(reversed(line))


def _note(lines: Lines, snapshot: Snapshot, new: frozenset[ProcessId]) -> None:
    for identity in new:
        process = snapshot.processes[identity.pid]
        line = line_of(process, snapshot.processes)
        times = lines.get(line)
        if times is None and len(lines) < MOST_LINES:
            times = lines[line] = deque(maxlen=MOST_BIRTHS)
        if times is not None:
            times.append(snapshot.clock.wall - process.age_seconds(snapshot.clock))
