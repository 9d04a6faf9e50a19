"""The recorder as the loop sees it: a real child that is slow, hangs or dies, and a loop that never waits for it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.core.build import memory, proc
from watchdog_oom.core.actions import Intent, Plan, Signal, SignalName
from watchdog_oom.core.history import History
from watchdog_oom.core.model import Clock, Process, Snapshot
from watchdog_oom.core.policy import Emergency
from watchdog_oom.daemon.config import Config
from watchdog_oom.daemon.flight.recorder import LONGEST_RESTART_SECONDS, STUCK_SECONDS, FlightRecorder
from watchdog_oom.journal.record import Record
from watchdog_oom.recorder.reading import samples
from watchdog_oom.recorder.sample import SampleKind

PLENTY = memory(available=80, swap_free=90)


class Loop:
    """Ticks of a made-up host, at a time of our own."""

    def __init__(self, directory: Path, config: Config) -> None:
        self.written: list[Record] = []
        self.now = 1000.0
        self.directory = directory
        self.recorder = FlightRecorder(str(directory), "/proc", config, self.written.append)
        self.recorder.start(self.now)
        self.seen: list[Snapshot] = []

    @property
    def status(self) -> dict[str, object]:
        return self.recorder.status

    @property
    def child_pid(self) -> int:
        assert self.recorder._child is not None
        return self.recorder._child.pid

    def has_child(self) -> bool:
        return self.recorder._child is not None

    def tick(self, plan: Plan | None = None, *, seconds: float = 1.0, processes: dict[int, Process] | None = None,
             ) -> None:
        self.now += seconds
        crowd = {1: proc(1, rss=int(self.now))} if processes is None else processes
        snapshot = Snapshot(Clock(self.now + 1e9, self.now), memory=PLENTY, processes=crowd)
        self.seen.append(snapshot)
        if plan is not None:
            self.recorder.alert(plan, History(), History(), snapshot)
        self.recorder.take(snapshot, Emergency(), History())

    def until(self, condition: Callable[[], object], what: str, *, ticking: bool = True) -> None:
        deadline = time.monotonic() + 5
        while not condition():
            assert time.monotonic() < deadline, f"waited in vain for {what}: {self.status}"
            if ticking:
                self.tick(seconds=0.001)
            time.sleep(0.01)

    def ready(self) -> None:
        self.until(lambda: self.status["state"] == "recording", "the child")
        self.seen.clear()


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Callable[..., Loop]]:
    made: list[Loop] = []

    def make(**config: object) -> Loop:
        made.append(Loop(tmp_path, Config(**config)))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for each in made:
        each.recorder.close()


def test_what_the_loop_saw_can_be_read_when_it_ends(loop: Callable[..., Loop], tmp_path: Path) -> None:
    ours = loop(recorder_every_seconds=1.0)
    ours.ready()
    ours.tick()
    for _ in range(70):
        ours.tick()
    ours.recorder.close()
    found = [sample.snapshot for sample in samples(str(tmp_path / "flight"))]
    assert found[-70:] == ours.seen[-70:]
    assert ours.status["dropped_ticks"] == 0


def test_a_tick_that_cannot_be_packed_costs_its_sample_and_nothing_else(loop: Callable[..., Loop]) -> None:
    ours = loop()
    ours.ready()
    before = ours.status["dropped_ticks"]
    assert isinstance(before, int)
    for _ in range(3):
        ours.tick(processes={1: proc(1, rss=int(ours.now), user=object())})
    assert ours.status["dropped_ticks"] == before + 3
    ours.tick()
    assert ours.status["dropped_ticks"] == before + 3


def test_a_child_that_hangs_costs_ticks_which_are_counted_and_told_and_then_it_is_replaced(
        loop: Callable[..., Loop]) -> None:
    ours = loop()
    ours.ready()
    hung = ours.child_pid
    os.kill(hung, signal.SIGSTOP)
    crowd = {pid: proc(pid) for pid in range(1, 150)}
    others = {pid: replace(each, rss_bytes=1) for pid, each in crowd.items()}
    slowest = 0.0
    for number in range(600):
        began = time.monotonic()
        ours.tick(seconds=0.08, processes=(crowd, others)[number % 2])
        slowest = max(slowest, time.monotonic() - began)
    assert slowest < 0.5
    dropped = ours.status["dropped_ticks"]
    assert isinstance(dropped, int) and dropped > 130
    assert [record.rule for record in ours.written] == ["recorder"]
    assert "could not be handed over" in str(ours.written[0].result)
    ours.tick(seconds=10 * STUCK_SECONDS)
    assert ours.has_child(), "a daemon that was stopped itself proves nothing"
    while ours.has_child():
        ours.tick()
        assert ours.now < 3000
    assert "hung" in str(ours.status["problem"])
    ours.tick(seconds=1.0)
    ours.ready()
    assert ours.child_pid != hung and len(ours.written) == 1
    assert not Path(f"/proc/{hung}").exists()


def test_a_child_that_is_killed_is_replaced_and_its_next_sample_is_whole(
        loop: Callable[..., Loop], tmp_path: Path) -> None:
    ours = loop(recorder_every_seconds=1.0)
    ours.ready()
    for _ in range(70):
        ours.tick()
    ours.until(lambda: ours.status["last_sample"], "a sample", ticking=True)
    os.kill(ours.child_pid, signal.SIGKILL)
    ours.until(lambda: ours.recorder._child is None, "its end", ticking=True)
    assert ours.status["state"] == "waiting to start again"
    before = len(list(samples(str(tmp_path / "flight"))))
    assert before >= 1
    ours.tick(seconds=1.0)
    ours.ready()
    ours.tick(seconds=5.0)
    ours.recorder.close()
    found = list(samples(str(tmp_path / "flight")))
    assert len(found) > before and found[before].keyframe and found[before].dropped >= 1
    assert found[-1].snapshot == ours.seen[-1]


def test_one_that_ends_again_and_again_is_started_ever_later(loop: Callable[..., Loop], tmp_path: Path) -> None:
    ours = loop()
    waits = []
    for _ in range(4):
        ours.until(lambda: ours.recorder._child is not None, "a child")
        os.kill(ours.child_pid, signal.SIGKILL)
        ours.until(lambda: ours.recorder._child is None, "its end")
        waits.append(ours.recorder._start_at - ours.now)
        ours.tick(seconds=waits[-1])
    assert [round(wait, 1) for wait in waits] == [0.5, 1.0, 2.0, 4.0]
    assert max(waits) < LONGEST_RESTART_SECONDS


def test_before_a_kill_the_largest_are_looked_at(loop: Callable[..., Loop], tmp_path: Path) -> None:
    ours = loop()
    ours.ready()
    us = proc(os.getpid(), "pytest", rss=100)
    for _ in range(5):
        ours.tick(processes={us.pid: us})
    plan = Plan((Intent("i-1", Signal(us.id, us.comm, SignalName.TERM), "limit.x", ("large",)),))
    ours.tick(plan, processes={us.pid: us})
    flight = str(tmp_path / "flight")
    ours.until(lambda: Path(flight).exists() and any(s.extra for s in samples(flight)), "the look", ticking=False)
    found = list(samples(flight))
    texts = found[-1].extra
    assert {"meminfo", f"{us.pid}/status", f"{us.pid}/cgroup", f"{us.pid}/smaps_rollup"} <= texts.keys()
    assert f"Pid:\t{us.pid}" in texts[f"{us.pid}/status"]
    assert found[-2].kind is SampleKind.BEFORE and found[-2].keyframe and found[-2].snapshot == ours.seen[-1]
    assert [sample.snapshot for sample in found[-7:-2]] == ours.seen[-6:-1]


def test_switched_off_it_starts_nothing_and_writes_nothing(loop: Callable[..., Loop], tmp_path: Path) -> None:
    ours = loop(recorder_enabled=False)
    ours.tick(Plan())
    assert ours.status["state"] == "off" and ours.recorder._child is None
    assert not (tmp_path / "flight").exists()


def test_the_child_has_nothing_of_the_daemons_protection(loop: Callable[..., Loop]) -> None:
    ours = loop()
    ours.ready()
    status = Path(f"/proc/{ours.child_pid}/status").read_text()
    assert "VmLck:\t       0 kB" in status
    assert os.getpriority(os.PRIO_PROCESS, ours.child_pid) == 0, "a busy host must not leave it without a processor"
    assert int(Path(f"/proc/{ours.child_pid}/oom_score_adj").read_text()) >= 0
