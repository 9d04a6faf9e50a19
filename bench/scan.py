"""One look at all processes, against the least that can be read of them, and against psutil."""

from __future__ import annotations

import os
import statistics
import time
import tracemalloc
from collections.abc import Callable

import psutil

from bench.crowd import crowd, room_for
from bench.daemons import MAIL_SERVER, home
from bench.rounds import in_turn, timed
from bench.table import Table, ratio, spread
from watchdog_oom.host.processes.demand import ScanDemand, scan_demand
from watchdog_oom.host.processes.table import ProcessTable
from watchdog_oom.policy.build import build_policy
from watchdog_oom.policy.load import load_policy

CROWDS = (200, 1_000, 3_000, 10_000)
ROUNDS = 9
OLD_SECONDS = 100.0  # the table is told that this much time has passed: young processes are read at every scan
ROTATION_SECONDS = 11.0
HOW = ("{rounds} rounds in turn, milliseconds: median (smallest–largest). Bare read: open, read and close every "
       "/proc/PID/stat and do nothing with it. All read again: as if every process had been due. Ordinary tick: one "
       "second later, when a tenth is due. psutil: process_iter with pid, name, memory_info, create_time.")


def run() -> tuple[Table, ...]:
    want = _want()
    rows: list[tuple[str, ...]] = []
    notes = [HOW.format(rounds=ROUNDS)]
    for count in CROWDS:
        if not room_for(count):
            notes.append(f"{count:,} processes: not enough memory or pids here, skipped.")
            continue
        with crowd(count):
            rows.append(_measure(count, want))
    columns = ("processes", "bare read ms", "first scan ms", "all read again ms", "× bare", "ordinary tick ms",
               "× bare", "psutil ms", "× bare", "allocated by a tick KiB", "kept a process KiB")
    return (Table("scan", columns, tuple(rows), tuple(notes)),)


def _want() -> ScanDemand:
    with home(MAIL_SERVER) as made:
        return scan_demand(build_policy(load_policy((str(made.path / "policies"),)).ir), None)


def _measure(count: int, want: ScanDemand) -> tuple[str, ...]:
    table, clock = ProcessTable(), [time.clock_gettime(time.CLOCK_BOOTTIME) + OLD_SECONDS]
    first = timed(lambda: table.scan(want, clock[0]))

    def later(seconds: float) -> Callable[[], float]:
        def scan() -> float:
            clock[0] += seconds
            return timed(lambda: table.scan(want, clock[0]))
        return scan

    took = in_turn({"bare": lambda: timed(_bare), "all": later(ROTATION_SECONDS), "tick": later(1.0),
                    "psutil": lambda: timed(_psutil)}, ROUNDS)
    bare = took["bare"]
    return (f"{count:,}", spread(bare), f"{first:,.1f}", spread(took["all"]), ratio(took["all"], bare),
            spread(took["tick"]), ratio(took["tick"], bare), f"{statistics.median(took['psutil']):,.0f}",
            ratio(took["psutil"], bare), *_allocations(want, clock[0]))


def _allocations(want: ScanDemand, now: float) -> tuple[str, ...]:
    """The most that an ordinary tick has allocated at one time, and what the table keeps of each process."""
    table = ProcessTable()
    tracemalloc.start()
    try:
        known = len(table.scan(want, now))
        kept = tracemalloc.get_traced_memory()[0] / known
        table.scan(want, now + ROTATION_SECONDS)
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        table.scan(want, now + ROTATION_SECONDS + 1)
        return f"{(tracemalloc.get_traced_memory()[1] - before) / 1024:,.0f}", f"{kept / 1024:.2f}"
    finally:
        tracemalloc.stop()


def _bare() -> None:
    for name in os.listdir("/proc"):
        if name.isdecimal():
            try:
                fd = os.open(f"/proc/{name}/stat", os.O_RDONLY)
                os.read(fd, 4096)
                os.close(fd)
            except OSError:
                continue


def _psutil() -> None:
    for process in psutil.process_iter(["pid", "name", "memory_info", "create_time"]):
        process.info["pid"]
