"""Limits: of one process, of the group; never more than needed, never anybody else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.build import mib, noun, percent, policy
from tests.core.world import Proc, World
from watchdog_oom.core.actions import SignalName
from watchdog_oom.core.decide import decide
from watchdog_oom.core.history import Stage
from watchdog_oom.core.policy import Emergency, Limit, Policy, Protect, Then

TERM, KILL, STOP, CONT = SignalName.TERM, SignalName.KILL, SignalName.STOP, SignalName.CONT


def world_of(*more: Protect, **limits: object) -> World:
    return World(limit_policy(*more, **limits))


def limit_policy(*more: Protect, **limits: object) -> Policy:
    scan = noun("scan", exe="/usr/bin/scan", user=("amavis",))
    return policy(scan, noun("db"), Limit("scan", "scan", **limits), *more)  # type: ignore[arg-type]


def scan(world: World, **rest: object) -> object:
    return world.spawn("scan", exe="/usr/bin/scan", user="amavis", **rest)  # type: ignore[arg-type]


@pytest.mark.parametrize(("limits", "over", "within", "words"), [
    ({"rss": mib(400)}, {"rss_mib": 401}, {"rss_mib": 400}, "holds 401 MiB, limit 400 MiB"),
    ({"rss": percent(50)}, {"rss_mib": 513}, {"rss_mib": 512}, "holds 513 MiB, limit 512 MiB"),
    ({"swap": mib(100)}, {"swap_mib": 101}, {"swap_mib": 100}, "has 101 MiB in swap, limit 100 MiB"),
    ({"runtime_seconds": 1200.0}, {"age": 1300.0}, {"age": 1198.0}, "has run for 21min41s, limit 20min"),
])
def test_a_process_over_its_limit_gets_term_and_one_within_it_does_not(
        limits: dict[str, object], over: dict[str, object], within: dict[str, object], words: str) -> None:
    world = world_of(**limits)
    bad, good = scan(world, **over), scan(world, **within)
    plan = world.tick()
    assert [str(intent.action) for intent in plan.intents] == [f"TERM scan[{bad.pid}]"]  # type: ignore[attr-defined]
    assert words in plan.intents[0].because[0] and plan.intents[0].rule == "limit.scan"
    assert world.alive(good)  # type: ignore[arg-type]
    assert not plan.intents[0].urgent


def test_a_neighbour_of_another_user_or_executable_is_not_touched() -> None:
    world = world_of(rss=mib(100))
    world.spawn("scan", exe="/usr/bin/scan", user="root", rss_mib=500)
    world.spawn("scan", exe="/home/eve/scan", user="amavis", rss_mib=500)
    world.spawn("scan", rss_mib=500)  # nothing could be read of it
    world.ticks(30)
    assert world.sent == []


@pytest.mark.parametrize("limits", [{"rss": mib(100)}, {"total_rss": mib(100)}, {"rss": mib(100), "then": Then.FREEZE}])
def test_whoever_the_kernel_was_told_to_spare_is_spared_in_calm_times_too(limits: dict[str, object]) -> None:
    world = world_of(**limits)
    spared, other = scan(world, rss_mib=150, adj=-1000), scan(world, rss_mib=150)
    world.ticks(5)
    assert world.signals(spared) == []  # type: ignore[arg-type]
    assert world.signals(other)  # type: ignore[arg-type]


def test_a_limit_must_be_exceeded_for_its_time_without_a_pause() -> None:
    world = world_of(rss=mib(100), for_seconds=10.0)
    process = world.spawn("scan", exe="/usr/bin/scan", user="amavis", rss_mib=200)
    world.ticks(9)
    process.rss_mib = 50
    world.ticks(1)
    process.rss_mib = 200
    world.ticks(10)
    assert world.sent == []
    world.ticks(1)
    assert world.signals(process) == [TERM]


def test_a_bad_reading_neither_fires_a_percentage_nor_begins_its_time_anew() -> None:
    world = world_of(rss=percent(10), for_seconds=10.0)
    process = world.spawn("scan", exe="/usr/bin/scan", user="amavis", rss_mib=200)
    world.ticks(8)
    world.memory_readable = False
    world.ticks(1)
    world.memory_readable = True
    world.ticks(2)
    assert world.signals() == []
    world.ticks(1)
    assert world.signals(process) == [TERM]


def test_a_bad_reading_does_not_begin_the_time_of_a_group_anew() -> None:
    world = world_of(total_rss=percent(10), for_seconds=10.0)
    scan(world, rss_mib=200)
    world.ticks(8)
    world.memory_readable = False
    world.ticks(1)
    world.memory_readable = True
    world.ticks(2)
    assert world.signals() == []
    world.ticks(1)
    assert world.signals() == [TERM]


def test_without_a_reading_of_memory_limits_in_bytes_still_hold() -> None:
    world = world_of(rss=mib(100))
    world.memory_readable = False
    process = world.spawn("scan", exe="/usr/bin/scan", user="amavis", rss_mib=200)
    world.tick()
    assert world.signals(process) == [TERM]


def test_swap_that_could_not_be_read_does_not_begin_the_time_anew() -> None:
    world = world_of(swap=mib(100), for_seconds=3.0)
    scan(world, swap_mib=200)
    world.ticks(3)
    sensed = world.snapshot()
    (pid, process), = sensed.processes.items()
    unread = replace(sensed, processes={pid: replace(process, swap_bytes=None)})
    _, world.history = decide(unread, world.policy, world.history, world.budget)
    world.ticks(1)
    assert world.signals() == [TERM]


def test_term_then_kill_after_the_grace_then_unkillable_and_each_is_sent_once() -> None:
    world = world_of(rss=mib(100), grace_seconds=7.0)
    process = world.spawn("scan", exe="/usr/bin/scan", user="amavis", rss_mib=200, unkillable=True)
    world.ticks(7)
    assert world.signals(process) == [TERM]
    world.ticks(1)
    assert world.signals(process) == [TERM, KILL]
    world.ticks(5)
    assert [note.result for note in world.notes] == ["unkillable: it still runs 5s after KILL (state D)"]
    world.ticks(4000)
    assert world.signals(process) == [TERM, KILL]
    assert len(world.notes) == 1


def test_no_grace_means_kill_at_once() -> None:
    world = world_of(rss=mib(100), grace_seconds=0.0)
    scan(world, rss_mib=200)
    world.tick()
    assert world.signals() == [KILL]


def test_that_the_process_is_gone_is_verified_and_told_with_its_time() -> None:
    world = world_of(rss=mib(100))
    process = world.spawn("scan", exe="/usr/bin/scan", user="amavis", rss_mib=200)
    world.ticks(2)
    note, = world.notes
    assert note.result == "ended after TERM" and note.target == process.id and note.took_seconds == 1.0


def test_the_oldest_go_first_and_never_more_than_needed() -> None:
    world = world_of(count=3)
    young = [world.spawn("scan", exe="/usr/bin/scan", user="amavis", age=age) for age in (10.0, 20.0, 30.0)]
    old = [world.spawn("scan", exe="/usr/bin/scan", user="amavis", age=age) for age in (50.0, 40.0)]
    plan = world.tick()
    assert {intent.action.target for intent in plan.intents} == {process.id for process in old}  # type: ignore[union-attr]
    assert "5 processes match scan, limit 3" in plan.intents[0].because
    world.ticks(60)
    assert all(world.alive(process) for process in young)


def test_the_oldest_go_until_the_rest_hold_no_more_than_the_group_may() -> None:
    world = world_of(total_rss=mib(500))
    oldest, middle, youngest = (
        world.spawn("scan", exe="/usr/bin/scan", user="amavis", age=age, rss_mib=size)
        for age, size in ((30.0, 100), (20.0, 300), (10.0, 250)))
    world.tick()
    assert not world.alive(oldest) and not world.alive(middle) and world.alive(youngest)
    world.ticks(60)
    assert world.alive(youngest)


def test_those_that_are_ended_already_make_room_so_nobody_goes_in_their_place() -> None:
    """The youngest is over a limit of its own: it goes, so the oldest need not."""
    world = world_of(count=2, rss=mib(300), grace_seconds=30.0)
    first, second = scan(world, age=100.0), scan(world, age=90.0)
    world.spawn("scan", exe="/usr/bin/scan", user="amavis", age=10.0, rss_mib=400, ignores_term=True)
    world.ticks(20)
    assert world.alive(first) and world.alive(second)  # type: ignore[arg-type]
    assert world.signals() == [TERM]


def test_those_that_another_rule_ends_make_room_too() -> None:
    rules = limit_policy(count=1)
    rules = replace(rules, limits={"big": Limit("big", "scan", rss=mib(300), grace_seconds=30.0), **rules.limits})
    world = World(rules)
    first = world.spawn("scan", exe="/usr/bin/scan", user="amavis", age=100.0)
    world.spawn("scan", exe="/usr/bin/scan", user="amavis", age=10.0, rss_mib=400, ignores_term=True)
    world.ticks(20)
    assert world.alive(first) and world.signals() == [TERM]


def test_an_unkillable_one_makes_no_room_so_the_next_candidate_is_taken() -> None:
    world = world_of(count=1)
    stuck = world.spawn("scan", exe="/usr/bin/scan", user="amavis", age=100.0, unkillable=True)
    second = world.spawn("scan", exe="/usr/bin/scan", user="amavis", age=50.0)
    world.ticks(12)
    assert world.alive(second)
    world.ticks(10)
    assert world.alive(stuck) and not world.alive(second)


def test_one_that_cannot_be_signalled_makes_no_room_and_is_tried_again_after_a_minute() -> None:
    world = world_of(count=1)
    distant = world.spawn("scan", exe="/usr/bin/scan", user="amavis", age=100.0, out_of_reach=True)
    second = world.spawn("scan", exe="/usr/bin/scan", user="amavis", age=50.0)
    world.ticks(3)
    assert world.alive(distant) and not world.alive(second)
    distant.out_of_reach = False
    third = world.spawn("scan", exe="/usr/bin/scan", user="amavis", age=1.0)
    world.ticks(3)
    assert not world.alive(third), "still shunned, so the only other one goes"
    world.ticks(60)
    world.spawn("scan", exe="/usr/bin/scan", user="amavis", age=1.0)
    world.ticks(2)
    assert not world.alive(distant)


def test_the_protected_of_a_group_are_passed_over_and_the_next_go() -> None:
    world = world_of(Protect("scan", "db"), count=1)
    world.policy = replace(world.policy, processes={**world.policy.processes, "db": noun("db", exe="/usr/bin/scan",
                                                                                         comm="master")})
    master = world.spawn("master", exe="/usr/bin/scan", user="amavis", age=1000.0)
    worker = world.spawn("scan", exe="/usr/bin/scan", user="amavis", age=10.0)
    world.ticks(30)
    assert world.alive(master) and not world.alive(worker)


def test_a_protected_process_over_its_limit_is_refused_and_the_refusal_told_once_an_hour() -> None:
    world = world_of(Protect("scan", "scan"), rss=mib(100))
    scan(world, rss_mib=200)
    world.ticks(365, 10.0)
    assert world.sent == [] and len(world.refusals) == 2
    assert "it is protected by protect.scan" in str(world.refusals[0])


def test_a_frozen_process_is_continued_when_it_keeps_its_limit_again() -> None:
    world = world_of(rss=mib(100), then=Then.FREEZE)
    process = world.spawn("scan", exe="/usr/bin/scan", user="amavis", rss_mib=200)
    world.ticks(5)
    assert world.signals(process) == [STOP] and process.state == "T"
    process.rss_mib = 50
    world.ticks(2)
    assert world.signals(process) == [STOP, CONT]


def test_report_only_tells_each_process_once_an_hour() -> None:
    world = world_of(rss=mib(100), then=Then.REPORT)
    scan(world, rss_mib=200)
    world.ticks(365, 10.0)
    assert world.sent == [] and len(world.said("reported: would TERM scan[101]")) == 2


def test_a_crowd_over_a_limit_that_only_reports_fills_no_journal() -> None:
    world = world_of(rss=mib(100), then=Then.REPORT)
    for _ in range(60):
        scan(world, rss_mib=200)
    world.ticks(3)
    assert len(world.said("reported: would TERM scan[")) == 50


def test_a_limit_that_only_reports_ends_nobody_so_nobody_makes_room() -> None:
    world = world_of(count=1, rss=mib(100), then=Then.REPORT)
    scan(world, age=90.0)
    scan(world, age=10.0, rss_mib=200)
    world.ticks(3)
    assert len(world.notes) == 2


def test_every_limit_has_its_own_time_and_the_time_of_the_vanished_is_forgotten() -> None:
    world = world_of(rss=mib(100), for_seconds=10.0)
    process = world.spawn("scan", exe="/usr/bin/scan", user="amavis", rss_mib=200)
    world.ticks(8)
    del world.procs[process.pid]
    world.ticks(1)
    assert world.history.held_since == {}
    reborn = world.spawn("scan", exe="/usr/bin/scan", user="amavis", rss_mib=200, pid=process.pid, age=0.0)
    world.ticks(10)
    assert world.sent == []
    world.ticks(1)
    assert world.signals(reborn) == [TERM]


def test_a_recycled_pid_gets_no_kill_that_was_meant_for_another() -> None:
    world = world_of(rss=mib(100))
    process = world.spawn("scan", exe="/usr/bin/scan", user="amavis", rss_mib=200, ignores_term=True)
    world.ticks(5)
    innocent = world.spawn("bash", pid=process.pid, age=0.0)
    world.ticks(30)
    assert world.alive(innocent) and world.signals(innocent) == []
    assert world.history.terminations == {} and world.said("ended after TERM")


def test_two_rules_that_ask_for_the_same_process_send_one_term() -> None:
    rules = limit_policy(rss=mib(100))
    other = Limit("other", "scan", runtime_seconds=10.0)
    world = World(replace(rules, limits={**rules.limits, "other": other}))
    scan(world, rss_mib=200, ignores_term=True)
    world.ticks(3)
    assert world.signals() == [TERM]
    assert [termination.stage for termination in world.history.terminations.values()] == [Stage.TERM]


def pool_of(world: World, number: int, **rest: object) -> list[Proc]:
    """Nine workers and their like: 200 MiB that all share, 2 MiB of its own each."""
    return [world.spawn("scan", exe="/usr/bin/scan", user="amavis", age=100.0 - index, rss_mib=202, shared_mib=200,
                        **rest) for index in range(number)]  # type: ignore[arg-type]


@pytest.mark.parametrize("forked", [False, True])
def test_a_pool_that_shares_its_memory_is_within_a_limit_that_holds_it_once(forked: bool) -> None:
    world = world_of(total_rss=mib(600))
    pool_of(world, 9, forked=forked)
    world.ticks(30)
    assert world.sent == []


def test_ending_stops_as_soon_as_the_rest_is_expected_within_the_limit_together() -> None:
    """Each gives back only what is its own, so the limit is kept with four of nine."""
    world = world_of(total_rss=mib(209))
    workers = pool_of(world, 9)
    plan = world.tick()
    assert [str(intent.action) for intent in plan.intents] == [f"TERM scan[{workers[0].pid}]"]
    assert plan.intents[0].because == (
        "9 processes of scan hold 218 MiB together, shared pages counted once, limit 209 MiB",)
    world.ticks(60)
    assert [world.alive(worker) for worker in workers] == [False] * 5 + [True] * 4


def test_while_shares_are_awaited_the_sum_does_nothing_and_its_time_does_not_count() -> None:
    world = world_of(total_rss=mib(100), for_seconds=3.0)
    world.sharing = "awaited"
    pool_of(world, 3)
    world.ticks(10)
    assert world.sent == []
    world.sharing = "read"
    world.ticks(3)
    assert world.sent == []
    world.tick()
    assert world.signals()[:1] == [TERM]


def test_a_count_is_exceeded_whatever_is_awaited_and_takes_no_more_than_it_must() -> None:
    world = world_of(total_rss=mib(100), count=2)
    world.sharing = "awaited"
    pool_of(world, 3)
    plan = world.tick()
    assert [intent.because for intent in plan.intents] == [("3 processes match scan, limit 2",)]


def test_where_shares_cannot_be_had_the_evidence_says_how_the_sum_was_estimated() -> None:
    world = world_of(total_rss=mib(217))
    world.sharing = "refused"
    workers = pool_of(world, 9)
    plan = world.tick()
    assert len(plan.intents) == 1 and plan.intents[0].because[0].startswith(
        "9 processes of scan hold 218 MiB together, estimated by anonymous memory")
    world.ticks(60)
    assert sum(map(world.alive, workers)) == 8


def test_an_emergency_does_not_wait_for_shares() -> None:
    world = world_of(total_rss=mib(100))
    world.policy = replace(world.policy, emergency=Emergency(percent(50.0), percent(100.0)))
    world.sharing = "awaited"
    pool_of(world, 4)
    hog = world.spawn("hog", rss_mib=600)
    plan = world.tick()
    assert [intent.rule for intent in plan.intents] == ["emergency"] and world.signals(hog)


def test_a_contained_unit_that_shares_its_memory_is_calm_by_what_it_holds_together() -> None:
    world = world_of(total_rss=mib(400), then=Then.CONTAIN)
    world.service("scan")
    grown = world.spawn("scan", exe="/usr/bin/scan", user="amavis", unit="scan.service", rss_mib=450)
    pool_of(world, 5, unit="scan.service")
    world.until(lambda: world.units["scan.service"].memory_high == 400 << 20, most=20)
    grown.rss_mib = 10
    world.until(lambda: world.units["scan.service"].memory_high != 400 << 20, most=100)
