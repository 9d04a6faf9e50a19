"""The flight recorder's format: what a day takes, and what a sample costs to write and to read back."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from bench.table import Table, spread
from watchdog_oom.core.memory import Memory, Pressure
from watchdog_oom.core.model import Clock, Facts, Process, ProcessId, ServiceState, ServiceStatus, Snapshot, SpoolState
from watchdog_oom.lean_dataclasses import replace
from watchdog_oom.recorder.frames import frame, line_of
from watchdog_oom.recorder.reading import samples
from watchdog_oom.recorder.segments import FlightWriter

CROWDS = (100, 600, 5_000)
EVERY_SECONDS = 10.0
MEMBER_SECONDS = 600.0
HOURS = 2
DAY_SECONDS = 86_400.0
BOOTED = 1.772e9
GROWING = 0.03
REPLACED = 0.005
NAMED = 0.005
HOW = (f"{HOURS} h of samples, one in {EVERY_SECONDS:.0f} s, with a keyframe every ten minutes, written as the "
       "recorder writes them: every line can be read at once. Names and executables are those of this host's "
       f"processes, taken as often as needed; between two samples {GROWING:.0%} of the processes change their memory "
       f"and as many their state, {REPLACED:.1%} end and are replaced, {NAMED:.1%} change their name as kernel workers "
       "do; four services and three spools are looked at each time. Milliseconds of "
       "processor time: median (smallest–largest).")
GOAL = "Goal: 6 MB a day at 600 processes, 3 ms a sample."


def table() -> Table:
    """The format's half of ``recorder``."""
    rows = tuple((f"{count:,}", *_measured(count)) for count in CROWDS)
    return Table("recorder-format", ("processes", "MB a day", "bytes a change", "bytes a keyframe", "changes ms",
                                     "keyframe ms", "read back ms"), rows, (HOW, GOAL))


def record(directory: str, count: int) -> None:
    """Such a recording, to be read."""
    _written(directory, _Host(count))


def _measured(count: int) -> tuple[str, ...]:
    with tempfile.TemporaryDirectory() as directory:
        changes, keyframes = _written(directory, _Host(count))
        total = sum(file.stat().st_size for file in Path(directory).iterdir())
        began = time.process_time()
        read = sum(1 for _ in samples(directory))
        each = (time.process_time() - began) / read * 1000
    per_day = total * DAY_SECONDS / (HOURS * 3600)
    return (f"{per_day / 1e6:.1f}", f"{sum(size for size, _ in changes) / len(changes):.0f}",
            f"{sum(size for size, _ in keyframes) / len(keyframes):.0f}", spread([ms for _, ms in changes], digits=2),
            spread([ms for _, ms in keyframes], digits=1), f"{each:.2f}")


def _written(directory: str, host: _Host) -> tuple[list[tuple[int, float]], list[tuple[int, float]]]:
    """Sizes and milliseconds of changes and of keyframes."""
    writer = FlightWriter(directory, 1 << 34, DAY_SECONDS)
    changes: list[tuple[int, float]] = []
    keyframes: list[tuple[int, float]] = []
    previous: Snapshot | None = None
    size = 0
    for number, seen in enumerate(host.night()):
        if number % round(MEMBER_SECONDS / EVERY_SECONDS) == 0:
            previous = None
        began = time.process_time()
        writer.write(line_of(frame(previous, seen)), seen.clock.wall, keyframe=previous is None)
        took = (time.process_time() - began) * 1000
        before, size = size, sum(file.stat().st_size for file in Path(directory).iterdir())
        (keyframes if previous is None else changes).append((size - before, took))
        previous = seen
    writer.end()
    return changes, keyframes


class _Host:
    """As many processes as asked for, all alike to those of this host, which live on by chance."""

    def __init__(self, count: int) -> None:
        self._chance = random.Random(count)
        self._known = [(process.info["name"] or "", process.info["exe"] or None, process.info["uids"])
                       for process in psutil.process_iter(["name", "exe", "uids"])]
        self._pid = 0
        self._now = 100_000.0
        self._spools = [[100], [200], [300]]
        self._processes = {process.pid: process for process in (self._born() for _ in range(count))}

    def night(self) -> Iterator[Snapshot]:
        for _ in range(round(HOURS * 3600 / EVERY_SECONDS)):
            yield self._seen()
            self._now += EVERY_SECONDS
            self._live()

    def _born(self) -> Process:
        chance = self._chance
        name, exe, uids = chance.choice(self._known)
        self._pid += chance.randrange(1, 40)
        ticks = round(self._now * 100) - chance.randrange(0, 9_000_000)
        facts = Facts(exe=exe, uid=uids.effective if uids else 0, user="root",
                      unit=f"{name}.service" if exe else None, host_namespaces=True)
        return Process(ProcessId(self._pid, ticks), chance.choice((1, 1, 2, 900)), name, session=self._pid,
                       threads=chance.choice((1, 1, 1, 4)), rss_bytes=4096 * chance.randrange(1, 50_000) if exe else 0,
                       started_boottime=ticks / 100, image=chance.randrange(1 << 62) if exe else 0, facts=facts,
                       kernel_thread=exe is None)

    def _live(self) -> None:
        chance, processes = self._chance, self._processes
        for pid in chance.sample(list(processes), round(len(processes) * REPLACED + chance.random())):
            del processes[pid]
            born = self._born()
            processes[born.pid] = born
        for pid in chance.sample(list(processes), round(len(processes) * GROWING)):
            processes[pid] = replace(processes[pid], state=chance.choice("SSSRD"))
        for pid in chance.sample(list(processes), round(len(processes) * GROWING)):
            grown = processes[pid].rss_bytes + 4096 * chance.randrange(-200, 220)
            processes[pid] = replace(processes[pid], rss_bytes=max(4096, grown))
        for spool in self._spools:
            spool[0] = max(0, spool[0] + chance.randrange(-3, 4))
        for pid in chance.sample(list(processes), round(len(processes) * NAMED)):
            processes[pid] = replace(processes[pid], comm=f"kworker/{chance.randrange(4)}:{chance.randrange(4)}-events")

    def _seen(self) -> Snapshot:
        chance, now = self._chance, self._now
        clock = Clock(BOOTED + now, now + chance.random() / 100, round(now / 60) % 1440, (BOOTED,))
        memory = Memory(16 << 30, chance.randrange(4 << 20) * 4096, chance.randrange(1 << 20) * 4096, 4 << 30,
                        chance.randrange(1 << 20) * 4096)
        pressure = Pressure(chance.randrange(900) / 100, 0.0, chance.randrange(1 << 30), 0)
        services = {f"app{number}": ServiceState(f"app{number}.service", ServiceStatus.ACTIVE, clock.boottime, 900)
                    for number in range(4)}
        spools = {f"spool{number}": SpoolState(clock.boottime, entries=entries, size_bytes=entries * 5000)
                  for number, (entries,) in enumerate(self._spools)}
        return Snapshot(clock, "b", memory, pressure=pressure, processes=dict(self._processes), spools=spools,
                        services=services)
