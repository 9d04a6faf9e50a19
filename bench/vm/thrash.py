"""Runs in the guest: hogs go over more memory than there is until swap is full, while it is watched how daemons fare.

Argument: JSON, the fields of ``Task``. Answer: JSON, the fields of ``Result``.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass

from bench.vm import kernel_trace
from bench.vm.referee import hog, stand_apart

HOGS = 2
SPARE_MIB = 16
FILL_MIB = 20  # a second and hog: swap is slow, and hogs that outrun it are killed by the kernel before it is full
FILL_SECONDS = 120.0
LOOK_SECONDS = 0.5
TRACE_KIB = 4096
LONG_MS = 100.0


@dataclass(frozen=True, slots=True)
class Task:
    """For how long, and the daemons' pids by name."""

    seconds: float
    pids: dict[str, int]


@dataclass(frozen=True, slots=True)
class Standing:
    """How a process has fared until a moment: counters of /proc/PID/stat and /proc/PID/schedstat."""

    at: float
    major_faults: int
    cpu_seconds: float
    waited_seconds: float


@dataclass(frozen=True, slots=True)
class Fared:
    """How a daemon fared: its rounds of work, from wake-up to sleep; those that took ``LONG_MS`` and more, and the
    longest; and in a second, how long it could have run and no processor was free, and how long it ran."""

    rounds: int
    long: int
    longest_ms: float
    waited_ms_a_second: float
    cpu_ms_a_second: float
    major_faults: int


@dataclass(frozen=True, slots=True)
class Result:
    """The daemons by name, and how bad it was: swap in use in percent, MiB a second read from it."""

    fared: dict[str, Fared]
    swap_used_percent: float
    swapped_in_mib: float


def main(task: Task) -> None:
    stand_apart()
    mine = " || ".join(f"pid == {pid}" for pid in task.pids.values())
    kernel_trace.begin({"sched/sched_wakeup": mine, "sched/sched_switch": mine.replace("pid", "prev_pid")}, TRACE_KIB)
    before = {name: standing(pid) for name, pid in task.pids.items()}
    hogs = [new_hog() for _ in range(HOGS)]
    try:
        wait_until_full()
        result = watch(task, before, hogs)
    finally:
        for one in hogs:
            one.kill()
            one.wait()
    print(json.dumps(asdict(result)))


def new_hog() -> subprocess.Popen[bytes]:
    return hog(rate_mib=FILL_MIB, spare_mib=SPARE_MIB)


def wait_until_full() -> None:
    deadline = time.monotonic() + FILL_SECONDS
    while read("/proc/meminfo", "SwapFree:") > (SPARE_MIB + 1) << 10:
        if time.monotonic() > deadline:
            raise SystemExit("swap does not fill")
        time.sleep(0.1)


def watch(task: Task, before: dict[str, Standing], hogs: list[subprocess.Popen[bytes]]) -> Result:
    """The daemons for so long, while everything thrashes; what they went through while it filled counts as well. A hog
    that the kernel kills is replaced."""
    pages_before = read("/proc/vmstat", "pswpin")
    began, used = time.monotonic(), []
    while time.monotonic() < began + task.seconds:
        time.sleep(LOOK_SECONDS)
        hogs[:] = [one if one.poll() is None else new_hog() for one in hogs]
        used.append(100 - 100 * read("/proc/meminfo", "SwapFree:") / read("/proc/meminfo", "SwapTotal:"))
    lasted = time.monotonic() - began
    after = {name: standing(pid) for name, pid in task.pids.items()}
    trace = kernel_trace.read()
    pages = read("/proc/vmstat", "pswpin") - pages_before
    return Result(
        {name: fared(kernel_trace.rounds(trace, pid), before[name], after[name]) for name, pid in task.pids.items()},
        statistics.fmean(used), pages * os.sysconf("SC_PAGE_SIZE") / 2**20 / lasted)


def fared(rounds: list[float], before: Standing, after: Standing) -> Fared:
    took_ms = [1000 * seconds for seconds in rounds]
    seconds = after.at - before.at
    return Fared(
        len(rounds), sum(ms >= LONG_MS for ms in took_ms), max(took_ms, default=0.0),
        1000 * (after.waited_seconds - before.waited_seconds) / seconds,
        1000 * (after.cpu_seconds - before.cpu_seconds) / seconds,
        after.major_faults - before.major_faults)


def standing(pid: int) -> Standing:
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    with open(f"/proc/{pid}/schedstat") as file:
        ran, waited, _ = file.read().split()
    return Standing(time.monotonic(), int(fields[9]), int(ran) / 1e9, int(waited) / 1e9)


def read(path: str, name: str) -> int:
    with open(path) as file:
        return next(int(line.split()[1]) for line in file if line.split()[0] == name)


if __name__ == "__main__":
    main(Task(**json.loads(sys.argv[1])))
