"""The child that scans, seen from the daemon: real directories, real children, a file system that never answers."""

from __future__ import annotations

import os
import resource
import select
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from watchdog_oom.core.model import ProcessId, SpoolState
from watchdog_oom.core.nouns import SpoolNoun
from watchdog_oom.host.clock import read_clock
from watchdog_oom.host.processes.procfs import read_stat
from watchdog_oom.host.spools.scanners import SpoolScanners

Until = Callable[[dict[str, SpoolState]], bool]


class Follower:
    """Looks as the daemon's loop does, and notes how long a look took at most."""

    def __init__(self, nouns: Mapping[str, SpoolNoun], *, sparing: bool = False, **options: Any) -> None:
        self.nouns = dict(nouns)
        self.sparing = sparing
        self.scanners = SpoolScanners(**options)
        self.slowest = 0.0
        self.states: dict[str, SpoolState] = {}

    def look(self, under: tuple[str, ...] = ()) -> dict[str, SpoolState]:
        began = time.thread_time()
        self.states = self.scanners.look(self.nouns, read_clock(), under=under, sparing=self.sparing)
        self.slowest = max(self.slowest, time.thread_time() - began)
        return self.states

    def until(self, enough: Until, seconds: float = 4.0, under: tuple[str, ...] = ()) -> dict[str, SpoolState]:
        deadline = time.monotonic() + seconds
        poll = select.poll()
        poll.register(self.scanners.fileno(), select.POLLIN)
        while not enough(self.look(under)):
            assert time.monotonic() < deadline, self.states
            poll.poll(20)
        return self.states

    @property
    def child(self) -> int:
        """The youngest of our children that lives: the one that scans now."""
        living = scanning()
        assert living
        return living[-1]


Follow = Callable[..., Follower]


def scanning() -> list[int]:
    """Our living children, the oldest first."""
    own = os.getpid()
    found = [read_stat("/proc", int(pid)) for pid in Path(f"/proc/{own}/task/{own}/children").read_text().split()]
    return [process.pid for process in sorted((one for one in found if one is not None and one.state not in "ZX"),
                                              key=lambda one: one.id.start_ticks)]


@pytest.fixture
def follow() -> Iterator[Follow]:
    made: list[Follower] = []

    def begin(nouns: Mapping[str, SpoolNoun], **options: Any) -> Follower:
        made.append(Follower(nouns, **options))
        return made[-1]

    yield begin
    for each in made:
        each.scanners.close()


@pytest.fixture
def spools(spool_base: Path) -> dict[str, SpoolNoun]:
    for name in ("a", "b"):
        (spool_base / name / "x-1").mkdir(parents=True)
    return {name: SpoolNoun(name, str(spool_base / name), ("x-*",), 3600.0) for name in ("a", "b")}


def finished(*names: str) -> Until:
    return lambda states: all(name in states and states[name].finished for name in names)


def test_every_spool_is_told_by_the_child_and_what_is_new_in_it_soon(
        follow: Follow, spools: dict[str, SpoolNoun]) -> None:
    follower = follow(spools)
    assert follower.look() == {}
    states = follower.until(finished("a", "b"))
    assert [(states[name].entries, states[name].complete) for name in ("a", "b")] == [(1, True)] * 2
    Path(spools["a"].path, "x-2").mkdir()
    follower.until(lambda states: states["a"].entries == 2)
    assert follower.states["b"].entries == 1


def test_the_child_has_none_of_the_daemons_protection_and_ends_with_it(
        follow: Follow, spools: dict[str, SpoolNoun]) -> None:
    follower = follow(spools)
    follower.until(finished("a"))
    child = Path(f"/proc/{follower.child}")
    assert (child / "oom_score_adj").read_text() == "0\n"
    assert "VmLck:\t       0 kB" in (child / "status").read_text()
    assert os.getpriority(os.PRIO_PROCESS, follower.child) == 0
    pid = follower.child
    follower.scanners.close()
    assert read_stat("/proc", pid) is None
    follower.scanners = SpoolScanners()


def test_a_purged_spool_is_scanned_again_at_once_by_a_scan_that_began_later(
        follow: Follow, spools: dict[str, SpoolNoun]) -> None:
    follower = follow(spools)
    follower.until(finished("a"))
    at = time.clock_gettime(time.CLOCK_BOOTTIME)
    follower.scanners.rescan("a")
    follower.until(lambda states: states["a"].scanned_boottime > at and states["a"].finished, seconds=1.5)


def test_short_memory_delays_no_first_scan_and_none_after_a_purge_and_makes_the_others_rare(
        follow: Follow, spools: dict[str, SpoolNoun]) -> None:
    follower = follow(spools, sparing=True)
    first = follower.until(finished("a", "b"), seconds=2)["a"]
    Path(spools["a"].path, "x-2").mkdir()
    until = time.monotonic() + 3
    while time.monotonic() < until:
        assert follower.look()["a"] == first
        time.sleep(0.05)
    follower.scanners.rescan("a")
    follower.until(lambda states: states["a"].entries == 2, seconds=1)


def test_a_child_that_stands_still_is_replaced_and_no_look_waits_for_it(
        follow: Follow, spools: dict[str, SpoolNoun]) -> None:
    follower = follow(spools, stuck_seconds=0.3)
    follower.until(finished("a", "b"))
    stopped = follower.child
    os.kill(stopped, signal.SIGSTOP)
    Path(spools["a"].path, "x-2").mkdir()
    for _ in range(200):  # orders that nobody takes up
        follower.scanners.rescan("a")
    follower.slowest = 0.0
    states = follower.until(lambda states: states["a"].entries == 2)
    assert follower.child != stopped
    assert (states["a"].problem, states["b"].problem) == (None, None)
    assert follower.slowest < 0.05
    follower.until(lambda _: read_stat("/proc", stopped) is None)


def test_a_child_that_is_ended_again_and_again_is_told(follow: Follow, spools: dict[str, SpoolNoun]) -> None:
    follower = follow(spools)
    follower.until(finished("a", "b"))
    ended = set()

    def told(states: dict[str, SpoolState]) -> bool:
        for pid in scanning():
            os.kill(pid, signal.SIGKILL)
            ended.add(pid)
        return all(state.problem is not None for state in states.values())

    states = follower.until(told)
    assert states["b"].problem == "it cannot be scanned: the process that scans has ended by itself"
    assert len(ended) >= 3  # on a busy host another one has begun by the time this is told
    follower.until(lambda states: states["a"].problem is None and states["b"].problem is None, seconds=5)


def test_another_policy_forgets_the_spools_it_does_not_name_and_keeps_what_is_known(
        follow: Follow, spools: dict[str, SpoolNoun]) -> None:
    follower = follow(spools)
    known = follower.until(finished("a", "b"))["a"]
    del follower.nouns["b"]
    assert follower.look() == {"a": known}
    follower.nouns = {}
    assert follower.look() == {}
    follower.until(lambda _: scanning() == [])


@pytest.mark.root
def test_what_is_mounted_inside_is_never_touched(
        follow: Follow, spools: dict[str, SpoolNoun], silent_mount: Callable[[Path], Any]) -> None:
    follower = follow(spools, stuck_seconds=1.0)
    follower.until(finished("a", "b"))
    first = follower.child
    silent_mount(Path(spools["a"].path, "x-1"))
    Path(spools["a"].path, "x-2").mkdir()
    states = follower.until(lambda states: states["a"].entries == 2 and states["a"].gaps is not None)
    assert states["a"].gaps == "not counted in full: x-1: something is mounted inside"
    assert (states["a"].complete, states["a"].finished, states["a"].problem) == (False, True, None)
    assert follower.child == first


@pytest.mark.root
@pytest.mark.parametrize("killable", [True, False])
def test_a_spool_that_a_child_hangs_on_is_left_alone_and_told_and_the_others_go_on(
        follow: Follow, spools: dict[str, SpoolNoun], silent_mount: Callable[[Path], Any], *, killable: bool) -> None:
    follower = follow(spools, stuck_seconds=0.5)
    mount = silent_mount(Path(spools["a"].path))
    follower.look()
    hanging = follower.child
    if not killable:
        mount.swallow()
    states = follower.until(finished("a", "b"))
    if killable:
        follower.until(lambda _: read_stat("/proc", hanging) is None)
    problem = f"a look at {spools['a'].path} has not come back for 0.5s; the next one is tried after 1min"
    assert states["a"].problem == problem
    assert states["b"].entries == 1
    assert (read_stat("/proc", hanging) is None) == killable
    assert follower.slowest < 0.05
    follower.scanners.close()
    follower.scanners = SpoolScanners()


@pytest.mark.slow
def test_twelve_thousand_directories_cost_the_daemon_neither_memory_nor_time(
        follow: Follow, spool_in_memory: Path) -> None:
    for number in range(12_000):
        os.makedirs(f"{spool_in_memory}/x-1/{number:0200d}")
    follower = follow({"a": SpoolNoun("a", str(spool_in_memory), ("x-*",), 3600.0)})
    follower.look()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    states = follower.until(finished("a"), seconds=20)
    assert (states["a"].entries, states["a"].complete) == (1, True)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1024
    assert follower.slowest < 0.05


def test_who_works_in_a_spool_is_found_out_of_those_who_are_asked_for(
        follow: Follow, spools: dict[str, SpoolNoun]) -> None:
    follower = follow(spools)
    own = read_stat("/proc", os.getpid())
    assert own is not None
    gone = ProcessId(own.pid, own.id.start_ticks + 1)
    with open(f"{spools['b'].path}/x-1/file", "w"):
        follower.look(under=("a", "b"))
        follower.scanners.ask([own.id, gone])
        assert follower.scanners.users == {}
        follower.until(lambda _: own.id in follower.scanners.users, under=("a", "b"))
        assert follower.scanners.users[own.id] == {"b"}
    follower.until(lambda _: follower.scanners.users[own.id] == frozenset(), under=("a", "b"))
    follower.scanners.ask([])
    assert follower.scanners.users == {}


def test_following_for_long_and_closing_leaves_no_descriptor_and_no_child(
        follow: Follow, spools: dict[str, SpoolNoun]) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        follower = Follower(spools)
        follower.until(finished("a", "b"))
        pid = follower.child
        follower.scanners.close()
        assert len(os.listdir("/proc/self/fd")) == before
        assert read_stat("/proc", pid) is None
