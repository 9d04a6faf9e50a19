"""The last minute of ticks: what leaves it, in which order, and with what happened meanwhile."""

from __future__ import annotations

from dataclasses import replace

from tests.core.build import proc
from watchdog_oom.core.model import Clock, KernelKill, Snapshot
from watchdog_oom.daemon.flight.backlog import MOST_BYTES, Backlog, Recorded
from watchdog_oom.daemon.flight.packing import PROCESSES, Packer
from watchdog_oom.recorder.sample import SampleKind


class Ticks:
    """A daemon's ticks, one a second, given to a backlog."""

    def __init__(self) -> None:
        self.backlog = Backlog(10.0)
        self.found: list[Recorded] = []
        self.now = 1000.0
        self._packer = Packer(self._send)

    def tick(self, *, pressing: bool = False, opening: bool = False, dropped: int = 0, **parts: object) -> Snapshot:
        self.now += 1
        rss = int(self.now)
        snapshot = replace(Snapshot(Clock(self.now, self.now), processes={1: proc(1, rss=rss)}), **parts)  # type: ignore[arg-type]
        assert self._packer.hand_over(snapshot, pressing=pressing, opening=opening, dropped=dropped)
        return snapshot

    def _send(self, packet: bytes) -> bool:
        if packet[:1] == PROCESSES:
            self.backlog.take_processes(packet[1:])
        else:
            self.found += self.backlog.take_tick(packet[1:])
        return True

    def kinds(self) -> list[tuple[float, str]]:
        return [(each.snapshot.clock.boottime - 1000, each.kind.value) for each in self.found]


def test_a_calm_host_is_recorded_by_the_clock_a_minute_later() -> None:
    ticks = Ticks()
    seen = [ticks.tick() for _ in range(75)]
    assert ticks.kinds() == [(1.0, "calm"), (11.0, "calm")]
    assert [each.snapshot for each in ticks.found] == [seen[0], seen[10]]


def test_when_something_opens_the_whole_minute_before_it_is_there_in_order_and_then_a_keyframe() -> None:
    ticks = Ticks()
    for _ in range(80):
        ticks.tick()
    ticks.found.clear()
    ticks.tick(opening=True)
    kinds = ticks.kinds()
    assert [at for at, _ in kinds] == [float(at) for at in range(21, 82)]
    assert kinds[-1] == (81.0, SampleKind.BEFORE) and kinds[0] == (21.0, "calm") and kinds[1] == (22.0, "ring")
    assert [each.keyframe for each in ticks.found] == [False] * 60 + [True]


def test_near_a_threshold_every_tick_is_written_as_it_comes() -> None:
    ticks = Ticks()
    for _ in range(70):
        ticks.tick()
    ticks.tick(pressing=True)
    ticks.found.clear()
    for _ in range(3):
        ticks.tick(pressing=True)
        assert ticks.found[-1].snapshot.clock.boottime == ticks.now
    assert {each.kind for each in ticks.found} == {SampleKind.NEAR}


def test_what_happened_at_a_tick_that_is_not_recorded_is_told_with_the_next() -> None:
    ticks = Ticks()
    kill = KernelKill(9, "x", "Killed process 9", 1003.0)
    ticks.tick()
    ticks.tick()
    ticks.tick(kernel_kills=(kill,), kernel_log_gaps=2, dropped=3)
    for _ in range(80):
        ticks.tick()
    first, second = ticks.found[:2]
    assert first.snapshot.kernel_kills == () and first.dropped == 0
    assert second.snapshot.kernel_kills == (kill,) and second.snapshot.kernel_log_gaps == 2 and second.dropped == 3
    assert ticks.found[2].dropped == 0


def test_at_an_orderly_end_what_is_due_and_the_last_tick_are_written() -> None:
    ticks = Ticks()
    for _ in range(15):
        ticks.tick()
    ticks.found += ticks.backlog.rest(ring=False)
    assert ticks.kinds() == [(1.0, "calm"), (11.0, "calm"), (15.0, "ring")]


def test_after_a_crash_of_the_daemon_all_that_waits_is_written() -> None:
    ticks = Ticks()
    for _ in range(15):
        ticks.tick()
    ticks.found += ticks.backlog.rest(ring=True)
    assert [at for at, _ in ticks.kinds()] == [float(at) for at in range(1, 16)]


def test_ticks_that_are_large_wait_for_less_than_a_minute() -> None:
    ticks = Ticks()
    for _ in range(30):
        ticks.tick(memory_problem="x" * (MOST_BYTES // 8) + str(ticks.now))
    assert ticks.kinds() == [(1.0, "calm"), (11.0, "calm"), (21.0, "calm")]
