"""The queue: whoever has no room waits, is stopped young, goes on in turn, one at a time, and nobody twice a minute."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.build import MIB, mib, noun, percent, policy
from tests.core.world import Proc, World
from watchdog_oom.core.actions import Signal, SignalName
from watchdog_oom.core.policy import Emergency, First, Limit, Protect, Then
from watchdog_oom.core.rules.waiting_queue import AGAIN_SECONDS, GROWING_SECONDS, REST_SECONDS

STOP, CONT, TERM = SignalName.STOP, SignalName.CONT, SignalName.TERM


def queueing(*more: Protect, **limits: object) -> World:
    limits.setdefault("first", First.NEWEST)
    return World(policy(noun("scan"), Limit("queue", "scan", then=Then.FREEZE, **limits), *more))  # type: ignore[arg-type]


def states(*scans: Proc) -> str:
    return "".join(scan.state for scan in scans)


def learned(world: World, need: int = 64) -> None:
    """One has run and ended, so that it is known what one needs."""
    one = world.spawn("scan", age=0.0, rss_mib=need)
    world.ticks(3)
    del world.procs[one.pid]
    world.tick()


def test_of_a_group_the_newest_wait_and_go_on_one_by_one_as_the_older_finish() -> None:
    world = queueing(count=2)
    scans = [world.spawn("scan", age=100.0 - number) for number in range(5)]
    world.ticks(3)
    assert states(*scans) == "SSTTT"
    del world.procs[scans[0].pid]
    world.ticks(2)
    assert states(*scans[1:]) == "SSTT"
    assert world.signals(scans[2]) == [STOP, CONT] and world.signals(scans[4]) == [STOP]
    del world.procs[scans[1].pid], world.procs[scans[2].pid]
    world.ticks(1)
    assert states(*scans[3:]) == "ST", "one at a time"
    world.ticks(int(REST_SECONDS) + 1)
    assert states(*scans[3:]) == "SS" and TERM not in world.signals()


def test_a_group_that_holds_too_much_waits_but_for_those_that_have_room() -> None:
    world = queueing(total_rss=mib(200))
    old, next_one, newest = (world.spawn("scan", rss_mib=90, age=age) for age in (130.0, 120.0, 110.0))
    world.ticks(2)
    assert states(old, next_one, newest) == "SST"


@pytest.mark.parametrize("first", list(First))
def test_one_of_a_group_always_goes_on_even_if_it_alone_holds_too_much(first: First) -> None:
    world = queueing(total_rss=mib(50), first=first)
    scans = [world.spawn("scan", rss_mib=100, age=100.0 - number) for number in range(3)]
    world.ticks(5)
    assert states(*scans) == "STT", "the oldest, whatever limits say of who is first to go"


def test_whoever_finds_no_room_for_what_its_kind_needs_is_stopped_before_it_has_grown() -> None:
    world = queueing(total_rss=mib(200))
    learned(world)
    scans = [world.spawn("scan", age=0.0, rss_mib=2) for _ in range(6)]
    plan = world.tick()
    assert states(*scans) == "SSSTTT"
    assert plan.intents[0].because == ("waits for its turn: 3 run, the next needs 64 MiB, 8.0 MiB are free of 200 MiB",)


def test_the_next_goes_on_when_one_has_ended_and_is_told_that_its_turn_has_come() -> None:
    world = queueing(total_rss=mib(140))
    learned(world)
    scans = [world.spawn("scan", age=0.0, rss_mib=2) for _ in range(4)]
    world.ticks(3)
    assert states(*scans) == "SSTT"
    del world.procs[scans[0].pid]
    plan = world.tick()
    assert states(*scans[1:]) == "SST"
    assert [str(intent) for intent in plan.intents] == [
        f"CONT scan[{scans[2].pid}]  [limit.queue] because its turn has come: 1 runs, it needs 64 MiB"]


def test_while_nothing_is_known_of_its_kind_one_is_taken_to_need_a_quarter_of_the_limit() -> None:
    world = queueing(total_rss=mib(200))
    scans = [world.spawn("scan", age=0.0, rss_mib=2) for _ in range(8)]
    world.tick()
    assert states(*scans) == "SSSSTTTT"


def test_a_pool_that_runs_within_its_limit_is_left_alone_however_large_one_of_it_is() -> None:
    world = queueing(total_rss=mib(500))
    world.spawn("scan", age=2 * GROWING_SECONDS, rss_mib=300)
    for _ in range(15):
        world.spawn("scan", age=2 * GROWING_SECONDS, rss_mib=10)
    world.ticks(5)
    assert world.sent == []


def test_nobody_is_let_in_for_whom_the_host_has_no_memory() -> None:
    world = queueing(total_rss=mib(900))
    learned(world)
    world.policy = replace(world.policy, emergency=Emergency(memory_available_below=percent(8)))
    world.base_mib = 750
    scans = [world.spawn("scan", age=0.0, rss_mib=2) for _ in range(4)]
    plan = world.tick()
    assert states(*scans) == "SSTT"
    assert "of the host's memory are free for it" in plan.intents[0].because[0]


def test_without_a_reading_of_memory_nobody_is_stopped_and_nobody_goes_on_but_the_last_one() -> None:
    world = queueing(total_rss=percent(20))
    scans = [world.spawn("scan", rss_mib=100, age=100.0 - number) for number in range(3)]
    world.ticks(2)
    assert states(*scans) == "SST"
    world.memory_readable = False
    late = world.spawn("scan", rss_mib=100, age=0.0)
    world.ticks(3)
    assert states(*scans, late) == "SSTS"
    del world.procs[scans[0].pid], world.procs[scans[1].pid], world.procs[late.pid]
    world.ticks(2)
    assert states(scans[2]) == "S"


def test_the_newest_of_those_that_outgrow_the_limit_waits_but_nobody_twice_in_a_minute() -> None:
    world = queueing(total_rss=mib(300))
    scans = [world.spawn("scan", age=100.0 - number, rss_mib=20) for number in range(4)]
    world.ticks(2)
    for scan in scans:
        scan.rss_mib = 90
    world.ticks(3)
    assert states(*scans) == "SSST"
    del world.procs[scans[1].pid]
    world.until(lambda: scans[3].state == "S")
    scans[0].rss_mib = 150
    world.ticks(5)
    assert world.signals(scans[3]) == [STOP, CONT] and states(scans[0], *scans[2:]) == "STS"


def test_one_that_takes_its_time_to_grow_is_expected_to_need_what_its_kind_does_until_it_grows_no_more() -> None:
    world = queueing(total_rss=mib(140))
    learned(world)
    slow, second, third = (world.spawn("scan", age=0.0, rss_mib=2) for _ in range(3))
    for _ in range(3 * int(GROWING_SECONDS) // 10):
        slow.rss_mib += 2
        second.rss_mib += 2
        world.ticks(10)
    assert (slow.rss_mib, states(slow, second, third)) == (38, "SST"), "there would be room for what is held by now"
    world.ticks(int(GROWING_SECONDS) + 2)
    assert states(slow, second, third) == "SSS"


def test_how_much_one_needs_is_not_known_before_one_has_ended_or_grown_no_more_for_a_minute() -> None:
    world = queueing(total_rss=mib(400))
    first = world.spawn("scan", age=0.0, rss_mib=13)
    world.ticks(int(GROWING_SECONDS) - 2)
    others = [world.spawn("scan", age=0.0, rss_mib=2) for _ in range(6)]
    world.tick()
    assert states(first, *others) == "SSSSTTT", "each is taken to need a quarter of the limit"
    world.ticks(int(GROWING_SECONDS))
    assert states(first, *others) == "SSSSSSS"


def test_whoever_is_ended_before_it_has_grown_does_not_tell_how_much_one_needs() -> None:
    world = queueing(total_rss=mib(400))
    old = Limit("old", "scan", runtime_seconds=20)
    world.policy = replace(world.policy, limits={**world.policy.limits, "old": old})
    world.spawn("scan", age=15.0, rss_mib=13)
    world.until(lambda: TERM in world.signals())
    world.ticks(3)
    scans = [world.spawn("scan", age=0.0, rss_mib=2) for _ in range(6)]
    world.tick()
    assert states(*scans) == "SSSSTT"


def test_what_a_new_process_has_from_its_parent_before_it_runs_its_program_is_not_what_its_kind_needs() -> None:
    world = queueing(total_rss=mib(200))
    learned(world, need=20)
    fork = world.spawn("scan", age=0.0, rss_mib=190)
    world.tick()
    fork.rss_mib = 2
    scans = [world.spawn("scan", age=0.0, rss_mib=2) for _ in range(6)]
    world.ticks(2)
    assert states(fork, *scans) == "SSSSSSS"


def test_those_that_may_not_be_stopped_hold_what_they_hold_and_are_left_alone() -> None:
    world = queueing(Protect("p", "master"), total_rss=mib(200))
    world.policy = replace(world.policy, processes={**world.policy.processes, "master": noun("master", user=("root",))})
    master = world.spawn("scan", age=1000.0, rss_mib=150, user="root")
    scans = [world.spawn("scan", age=100.0 - number, rss_mib=40) for number in range(2)]
    world.ticks(5)
    assert states(master, *scans) == "SST" and world.refusals == []


def test_who_was_let_in_and_waits_is_known_again_after_a_crash_of_the_daemon() -> None:
    world = queueing(count=1)
    scans = [world.spawn("scan", age=100.0 - number) for number in range(3)]
    world.ticks(5)
    world.crash()
    world.ticks(10)
    assert states(*scans) == "STT" and world.signals() == [STOP, STOP]


def test_what_one_is_known_to_need_is_known_again_after_a_crash_of_the_daemon() -> None:
    world = queueing(total_rss=mib(200))
    learned(world, need=90)
    world.crash()
    scans = [world.spawn("scan", age=0.0, rss_mib=2) for _ in range(4)]
    world.tick()
    assert states(*scans) == "SSTT", "a quarter of the limit would have let in all four"


def test_when_the_limit_leaves_the_policy_all_go_on_and_the_queue_is_forgotten() -> None:
    world = queueing(count=1)
    scans = [world.spawn("scan", age=100.0 - number) for number in range(3)]
    world.ticks(3)
    world.policy = replace(world.policy, limits={})
    world.ticks(2)
    assert states(*scans) == "SSS" and world.history.queues == {}


def test_a_group_must_be_crowded_for_its_time() -> None:
    world = queueing(count=1, for_seconds=5.0)
    scans = [world.spawn("scan", age=100.0 - number) for number in range(2)]
    world.ticks(5)
    assert states(*scans) == "SS"
    world.ticks(2)
    assert states(*scans) == "ST"


arrivals = st.lists(st.tuples(st.integers(0, 12), st.integers(2, 90), st.integers(1, 40)), min_size=1, max_size=14)


@settings(max_examples=12, deadline=None)
@given(arrivals=arrivals, count=st.one_of(st.none(), st.integers(1, 4)), limit_mib=st.integers(40, 300))
def test_whatever_comes_one_runs_nobody_thrashes_nobody_starves_and_the_protected_are_left_alone(
        arrivals: list[tuple[int, int, int]], count: int | None, limit_mib: int) -> None:
    """Each comes after a pause, needs so much after 5 s of running, and ends after so many seconds of running."""
    world = queueing(count=count, total_rss=mib(limit_mib))
    world.policy = replace(world.policy, emergency=Emergency(memory_available_below=percent(0)))
    world.ram_mib = 4096
    due = [pause for pause, _, _ in arrivals]
    ran: dict[int, float] = {}
    scans: list[Proc] = []
    finished: list[Proc] = []
    for second in range(1500):
        while len(scans) < len(arrivals) and second >= sum(due[:len(scans) + 1]):
            scans.append(world.spawn("scan", age=0.0, rss_mib=2))
        before = {scan.pid for scan in scans if scan.state == "T"}
        world.tick()
        here = [scan for scan in scans if world.alive(scan)]
        going = [scan for scan in here if scan.state != "T"]
        assert going or not here, "one always goes on"
        admitted = [scan for scan in here if scan.pid in before and scan.state != "T"]
        assert len(admitted) <= 1, "one at a time"
        older = [scan for scan in here if scan.state == "T" and admitted and scan.id < admitted[0].id]
        assert not [scan for scan in older if scan.pid in before], "the oldest first"
        if admitted and len(going) > 1:
            need = max(world.history.queues["queue"].need_bytes, admitted[0].rss_mib * MIB)
            others = sum(scan.rss_mib for scan in going if scan is not admitted[0]) * MIB
            assert others + need <= limit_mib * MIB + MIB and (count is None or len(going) <= count)
        for scan in going:
            _, need_mib, lasts = arrivals[scans.index(scan)]
            ran[scan.pid] = ran.get(scan.pid, 0.0) + 1
            scan.rss_mib = max(scan.rss_mib, round(2 + (need_mib - 2) * min(1.0, ran[scan.pid] / 5)))
            if ran[scan.pid] >= lasts:
                del world.procs[scan.pid]
                finished.append(scan)
        if len(finished) == len(arrivals):
            break
    assert len(finished) == len(arrivals), "whoever waits is let go on in the end"
    for scan in scans:
        stops = [at for at, name, identity, _ in world.sent if identity == scan.id and name is STOP]
        assert all(later - earlier >= AGAIN_SECONDS for earlier, later in pairwise(stops))
    assert {name for _, name, _, _ in world.sent} <= {STOP, CONT}
    assert all(isinstance(intent.action, Signal) for intent in world.tick().intents)


def test_the_queue_counts_what_its_processes_share_once() -> None:
    world = queueing(total_rss=mib(250))
    pool = [world.spawn("scan", age=100.0 - at, rss_mib=202, shared_mib=200) for at in range(9)]
    world.ticks(10)
    assert states(*pool) == "S" * 9
    more = [world.spawn("scan", age=90.0, rss_mib=20) for _ in range(3)]
    world.ticks(5)
    assert states(*pool, *more) == "S" * 10 + "TT"


def test_while_shares_are_awaited_nobody_is_stopped_and_nobody_goes_on() -> None:
    world = queueing(total_rss=mib(200))
    scans = [world.spawn("scan", rss_mib=90, age=130.0 - at) for at in range(3)]
    world.ticks(2)
    assert states(*scans) == "SST"
    world.sharing = "awaited"
    del world.procs[scans[0].pid]
    more = [world.spawn("scan", rss_mib=90, age=100.0) for _ in range(2)]
    world.ticks(5)
    assert states(*scans[1:], *more) == "STSS"
    world.sharing = "refused"
    world.ticks(5)
    assert states(*scans[1:], *more) == "SSTT"
