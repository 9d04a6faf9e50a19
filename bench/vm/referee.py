"""Runs in the guest: starts the hog, and sees when memory was short, who signalled whom, and when memory was back.

It reads /proc/meminfo every few milliseconds, at real-time priority and locked in memory. Argument: JSON, the fields of
``Task``. Answer: a line of JSON a race, the fields of ``Race``.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import subprocess
import sys
import time
from dataclasses import asdict, dataclass

from bench.vm import kernel_trace

HOME = "/root"
LOOK_SECONDS = 0.003
CALM_SECONDS = 1.5
BYSTANDERS = 2
BYSTANDER_MIB = 40
MOST_SECONDS = 60.0
BACK_SECONDS = 15.0
RATE_SECONDS = 0.3
DEADLY = (9, 15)


@dataclass(frozen=True, slots=True)
class Task:
    """Which races to run: each speed ``races`` times, on guard the daemon of that pid (0: nobody)."""

    speeds_mib: tuple[int, ...]
    races: int
    memory_mib: float
    swap_percent: float
    daemon_pid: int


@dataclass(frozen=True, slots=True)
class Sample:
    """Available memory, and free swap in percent, at a moment."""

    at: float
    available_mib: float
    swap_percent: float


@dataclass(frozen=True, slots=True)
class Race:
    """What one race came to; times in seconds of the monotonic clock, ``None`` where a thing did not happen."""

    speed_mib: int
    began_at: float
    crossed_at: float | None
    woken_at: float | None
    signalled_at: float | None
    signal: int | None
    sender: str
    dead_at: float | None
    back_at: float | None
    least_mib: float
    rate_mib: float
    kernel_kills: int
    wrong: tuple[str, ...]
    daemon_lives: bool


@dataclass(slots=True)
class Seen:
    """What the referee saw with its own eyes while the race ran."""

    hog: int
    began_at: float
    samples: list[Sample]
    taken_mib: list[tuple[float, float]]
    dead_at: float | None = None
    back_at: float | None = None


def main(task: Task) -> None:
    stand_apart()
    kernel_trace.begin({"signal/signal_generate": "sig == 9 || sig == 15", "oom/mark_victim": "0",
                        "sched/sched_wakeup": f"pid == {task.daemon_pid}"})
    bystanders = [hog(hold_mib=BYSTANDER_MIB) for _ in range(BYSTANDERS)]
    try:
        with open("/proc/meminfo", "rb", buffering=0) as meminfo:
            for speed in task.speeds_mib * task.races:
                bystanders = [one if one.poll() is None else hog(hold_mib=BYSTANDER_MIB) for one in bystanders]
                wait_for_calm(meminfo.fileno(), task)
                race = judge(task, speed, watch(task, speed, meminfo.fileno()), kernel_trace.read())
                print(json.dumps(asdict(race)), flush=True)
    finally:
        for one in bystanders:
            one.kill()
            one.wait()


def stand_apart() -> None:
    """Never a victim, never swapped out, ahead of everybody; what is started from here is as any other process."""
    ctypes.CDLL(None).mlockall(3)
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("-1000")
    os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(50))


def hog(rate_mib: int = 0, hold_mib: int = 0, spare_mib: int = 0) -> subprocess.Popen[bytes]:
    wanted = json.dumps({"rate_mib": rate_mib, "hold_mib": hold_mib, "spare_mib": spare_mib})
    return subprocess.Popen(["/usr/bin/choom", "-n", "0", "--", "/usr/bin/python3", "-I", "-S",
                             f"{HOME}/bench/vm/hog.py", wanted])


def wait_for_calm(meminfo: int, task: Task) -> None:
    """Until memory has been plentiful for a while, so that each daemon has settled."""
    since = time.monotonic()
    deadline = since + MOST_SECONDS
    while (now := time.monotonic()) < min(since + CALM_SECONDS, deadline):
        if sample(meminfo).available_mib < 2 * task.memory_mib:
            since = now
        time.sleep(0.05)


def watch(task: Task, speed_mib: int, meminfo: int) -> Seen:
    """One race, until memory is back."""
    kernel_trace.clear()
    runner = hog(speed_mib)
    seen = Seen(runner.pid, time.monotonic(), [], [])
    pidfd = os.pidfd_open(runner.pid)
    try:
        with open(f"/proc/{runner.pid}/stat", "rb", buffering=0) as stat:
            while not over(seen, task):
                look(seen, meminfo, stat.fileno())
                if select.select([] if seen.dead_at else [pidfd], [], [], LOOK_SECONDS)[0]:
                    seen.dead_at = time.monotonic()
    finally:
        os.close(pidfd)
        runner.kill()
        runner.wait()
    return seen


def over(seen: Seen, task: Task) -> bool:
    now = time.monotonic()
    if seen.dead_at is None:
        return now > seen.began_at + MOST_SECONDS
    if not short(seen.samples[-1], task) and seen.samples[-1].at > seen.dead_at:
        seen.back_at = seen.samples[-1].at
    return seen.back_at is not None or now > seen.dead_at + BACK_SECONDS


def look(seen: Seen, meminfo: int, stat: int) -> None:
    """What the hog has taken is told by its page faults: what was swapped out since does not matter."""
    seen.samples.append(sample(meminfo))
    with contextlib.suppress(OSError, IndexError):
        faults = int(os.pread(stat, 1024, 0).rpartition(b")")[2].split()[7])
        seen.taken_mib.append((time.monotonic(), faults * os.sysconf("SC_PAGE_SIZE") / 2**20))


def judge(task: Task, speed_mib: int, seen: Seen, trace: str) -> Race:
    """The kernel's trace tells who sent what; the referee's own signals do not count."""
    kernel = kernel_trace.oom_victims(trace)
    sent = [one for one in kernel_trace.signals(trace) if one.number in DEADLY and one.sender_pid != os.getpid()]
    first = next((one for one in sent if one.pid == seen.hog and one.pid not in kernel), None)
    crossed_at = crossing(seen.samples, task, first.at if first else seen.dead_at)
    woken = [at for at in kernel_trace.wakeups(trace, task.daemon_pid) if first is not None and at <= first.at]
    return Race(
        speed_mib, seen.began_at, crossed_at, woken[-1] if woken else None, first.at if first else None,
        first.number if first else None, first.sender if first else "", seen.dead_at, seen.back_at,
        min(one.available_mib for one in seen.samples), rate(seen.taken_mib, first.at if first else crossed_at),
        len(kernel), tuple(f"{one.comm}[{one.pid}] by {one.sender}" for one in sent if one.pid != seen.hog
              and (one.sender_pid == task.daemon_pid or one.pid in kernel)),
        not task.daemon_pid or os.path.exists(f"/proc/{task.daemon_pid}"))


def crossing(samples: list[Sample], task: Task, until: float | None) -> float | None:
    """When the shortage began that lasted ``until`` then, or that was the last one before; a dip that went away again
    had to be answered by nobody."""
    began, lasting = None, False
    for one in samples:
        if until is not None and one.at > until:
            break
        if short(one, task) and not lasting:
            began = one.at
        lasting = short(one, task)
    return began


def rate(taken_mib: list[tuple[float, float]], until: float | None) -> float:
    """MiB a second that the hog took just before ``until``."""
    points = [point for point in taken_mib if until is not None and until - RATE_SECONDS <= point[0] <= until]
    if len(points) < 2:
        return 0.0
    return (points[-1][1] - points[0][1]) / (points[-1][0] - points[0][0])


def short(one: Sample, task: Task) -> bool:
    """Whether both are below the thresholds that every daemon was given."""
    return one.available_mib < task.memory_mib and one.swap_percent < task.swap_percent


def sample(meminfo: int) -> Sample:
    return parse_meminfo(os.pread(meminfo, 4096, 0), time.monotonic())


def parse_meminfo(content: bytes, at: float) -> Sample:
    """/proc/meminfo; without swap nothing of it is free."""
    kib = {line.split(b":")[0]: int(line.split()[1]) for line in content.splitlines()}
    total = kib[b"SwapTotal"]
    return Sample(at, kib[b"MemAvailable"] / 1024, 100 * kib[b"SwapFree"] / total if total else 0.0)


if __name__ == "__main__":
    main(Task(**json.loads(sys.argv[1])))
