"""The samples of a recording, folded into a history of bounded size: one point for each short time, at its worst."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from watchdog_oom.core.model import KernelKill, Process, ProcessId, Snapshot
from watchdog_oom.report.births import MOST_LINES, Births, line_of
from watchdog_oom.report.kernel_kills import NightKernelKill
from watchdog_oom.report.model import (
    HostHistory,
    HostPoint,
    NameFacts,
    NameTotal,
    NightSpan,
    SpoolPoint,
)
from watchdog_oom.report.words import safe_name

MOST_POINTS = 1440
MOST_NAMES = 40  # of one point
MOST_KILLS = 500


class RecordedHost:
    """Takes snapshots in their order; keeps the last one, and what the history needs."""

    def __init__(self, span: NightSpan) -> None:
        self._span = span
        self._width = max(10.0, (span.until - span.since) / MOST_POINTS)
        self._points: dict[int, HostPoint] = {}
        self._births = Births()
        self._facts: dict[str, tuple[int, NameFacts]] = {}
        self._kills: dict[tuple[int, float], NightKernelKill] = {}
        self._first: frozenset[ProcessId] | None = None
        self._last: Mapping[int, Process] = {}
        self._samples = 0

    def add(self, snapshot: Snapshot) -> None:
        at = snapshot.clock.wall
        if not self._span.holds(at):
            return
        self._samples += 1
        processes = snapshot.processes
        living = frozenset(process.id for process in processes.values() if not process.kernel_thread)
        if self._first is None:
            self._first = living
        self._births.add(snapshot, living)
        self._last = processes
        for kill in snapshot.kernel_kills:
            self._killed(kill, snapshot)
        self._point(snapshot, int((at - self._span.since) / self._width))

    def history(self) -> HostHistory:
        lasted = frozenset((safe_name(process.comm), process.pid) for process in self._last.values()
                           if self._first is not None and process.id in self._first)
        return HostHistory(tuple(self._points[index] for index in sorted(self._points)),
                           self._births.all(), self._births.evenly(),
                           {name: facts for name, (_, facts) in self._facts.items()},
                           tuple(sorted(self._kills.values(), key=lambda kill: kill.at)), lasted, self._samples)

    def _point(self, snapshot: Snapshot, index: int) -> None:
        """The point of this time: its readings are those of the sample with the least room, its pressure the highest,
        its spools the fullest."""
        known = self._points.get(index)
        memory, pressure = snapshot.memory, snapshot.pressure
        some = _most(known.some_percent if known else None, pressure.some_avg10_percent if pressure else None)
        full = _most(known.full_percent if known else None, pressure.full_avg10_percent if pressure else None)
        spools = dict(known.spools) if known else {}
        for key, state in snapshot.spools.items():
            name = safe_name(key)
            if state.problem is None and (name not in spools or spools[name].entries <= state.entries):
                spools[name] = SpoolPoint(state.entries, state.stale, state.size_bytes)
        room = None if memory is None else memory.available_bytes + memory.swap_free_bytes
        if known is not None and (room is None or (known.room_bytes is not None and known.room_bytes <= room)):
            self._points[index] = HostPoint(
                known.at, known.available_bytes, known.available_percent, known.total_bytes, known.swap_free_bytes,
                known.swap_total_bytes, some, full, spools, known.by_name)
            return
        by_name = self._by_name(snapshot)
        self._points[index] = HostPoint(snapshot.clock.wall, some_percent=some, full_percent=full, spools=spools,
                                        by_name=by_name) if memory is None else HostPoint(
            snapshot.clock.wall, memory.available_bytes, memory.available_percent, memory.total_bytes,
            memory.swap_free_bytes, memory.swap_total_bytes, some, full, spools, by_name)

    def _by_name(self, snapshot: Snapshot) -> dict[str, NameTotal]:
        """What the names hold, those that hold most; of the largest process of each, who it is."""
        totals: dict[str, list[int]] = {}
        largest: dict[str, Process] = {}
        for process in snapshot.processes.values():
            if process.kernel_thread or process.dead:
                continue
            total = totals.setdefault(process.comm, [0, 0, 0])
            total[0] += 1
            total[1] += process.rss_bytes
            total[2] += process.swap_bytes or 0
            best = largest.get(process.comm)
            if best is None or process.rss_bytes > best.rss_bytes:
                largest[process.comm] = process
        chosen = sorted(totals, key=lambda name: -(totals[name][1] + totals[name][2]))[:MOST_NAMES]
        for name in chosen:
            self._who(largest[name], snapshot)
        return {safe_name(name): NameTotal(*totals[name]) for name in chosen}

    def _who(self, process: Process, snapshot: Snapshot) -> None:
        name = safe_name(process.comm)
        known = self._facts.get(name)
        if (known is None and len(self._facts) < MOST_LINES) or (known is not None and known[0] < process.rss_bytes):
            facts = process.facts
            exe, user, unit, cmdline = (safe_name(value or "") for value in (
                facts.exe, facts.user, facts.unit or facts.user_unit, facts.cmdline))
            self._facts[name] = (process.rss_bytes, NameFacts(exe, user, unit, cmdline,
                                                              line_of(process, snapshot.processes)))

    def _killed(self, kill: KernelKill, snapshot: Snapshot) -> None:
        """A kill is told once; the same one may stand in more than one sample."""
        key = (kill.pid, round(kill.boottime, 1))
        if key in self._kills or len(self._kills) >= MOST_KILLS:
            return
        victim = kill.victim
        at = snapshot.clock.wall - max(0.0, snapshot.clock.boottime - kill.boottime)
        unit = kill.unit or (victim.facts.unit if victim is not None else None) or ""
        held = None if victim is None else victim.rss_bytes + (victim.swap_bytes or 0)
        self._kills[key] = NightKernelKill(at, kill.pid, safe_name(kill.comm), kill.cgroup, safe_name(unit), held)


def recorded(snapshots: Iterable[Snapshot], span: NightSpan) -> HostHistory:
    host = RecordedHost(span)
    for snapshot in snapshots:
        host.add(snapshot)
    return host.history()


def _most(known: float | None, new: float | None) -> float | None:
    return new if known is None else known if new is None else max(known, new)
