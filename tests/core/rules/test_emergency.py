"""The last resort: only below both thresholds, on the right process, and not twice before the memory is free."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.build import memory, mib, noun, percent, policy, proc, snapshot
from tests.core.world import Proc, World
from watchdog_oom.core.actions import NoteKind, SignalName
from watchdog_oom.core.guard import Budget
from watchdog_oom.core.history import Stage
from watchdog_oom.core.policy import Emergency, Limit, Mode, Protect
from watchdog_oom.core.rules.emergency import badness, imminent, met, near, ranked
from watchdog_oom.core.view import View

TERM, KILL = SignalName.TERM, SignalName.KILL
RULE = Emergency(percent(20.0), percent(20.0))


def pressed(available_mib: int = 150, swap_free_mib: int = 75, rule: Emergency = RULE) -> World:
    """A host of 1 GiB and 512 MiB of swap on which so much is left, with a hog of 400 MiB."""
    world = World(policy(noun("hog"), noun("db"), rule), base_mib=0, swap_used_mib=512 - swap_free_mib)
    world.spawn("hog", rss_mib=400, ignores_term=True)
    world.spawn("filler", rss_mib=300)
    world.spawn("small", rss_mib=world.ram_mib - 700 - available_mib)
    return world


def hog(world: World) -> Proc:
    return next(process for process in world.procs.values() if process.comm == "hog")


@pytest.mark.parametrize(("available", "swap_free", "acts"), [
    (150, 75, True), (150, 200, False), (300, 75, False), (300, 200, False)])
def test_it_acts_only_when_both_measures_are_below_their_thresholds(available: int, swap_free: int, acts: bool) -> None:
    world = pressed(available, swap_free)
    world.tick()
    assert bool(world.sent) is acts


def test_a_host_without_swap_meets_every_threshold_of_swap() -> None:
    world = pressed(150)
    world.swap_mib = world.swap_used_mib = 0
    world.tick()
    assert world.signals() == [TERM]


def test_the_default_policy_acts_without_any_policy_file() -> None:
    world = World(replace(policy(), emergency=Emergency()), base_mib=0, swap_mib=0)
    world.spawn("hog", rss_mib=970)
    world.tick()
    assert world.signals() == [TERM]


def test_sizes_in_bytes_are_understood_as_well() -> None:
    world = pressed(150, 75, Emergency(mib(160), mib(80)))
    world.tick()
    assert world.signals() == [TERM]
    world = pressed(150, 75, Emergency(mib(140), mib(80)))
    world.tick()
    assert world.signals() == []


def test_below_half_of_both_it_kills_at_once_and_between_it_asks_first() -> None:
    world = pressed(150, 75)
    world.tick()
    assert world.signals() == [TERM]
    world = pressed(80, 40)
    world.tick()
    assert world.signals() == [KILL]
    world = pressed(80, 75)
    world.tick()
    assert world.signals() == [TERM]


def test_the_intent_is_urgent_and_tells_the_measures_the_choice_and_who_was_passed_over_and_why() -> None:
    world = pressed()
    world.policy = replace(world.policy, protects={"db": Protect("db", "db")})
    world.spawn("db", rss_mib=100)
    sshd = world.spawn("sshd", rss_mib=450, exe="/usr/sbin/sshd")
    intent, = world.tick().intents
    assert intent.urgent and intent.rule == "emergency" and intent.incident
    text = str(intent)
    assert "memory available is" in text and "swap free is 15%" in text and "chose hog[" in text
    assert f"passed over sshd[{sshd.pid}] (450 MiB): it is sshd" in text


def test_term_becomes_kill_after_five_seconds_and_nobody_else_is_asked_meanwhile() -> None:
    world = pressed()
    world.ticks(5)
    assert world.signals() == [TERM]
    world.ticks(1)
    assert world.signals() == [TERM, KILL]


def test_while_the_memory_of_a_killed_process_is_on_its_way_back_nobody_else_is_killed() -> None:
    world = pressed(80, 40)
    stuck = hog(world)
    stuck.unkillable = True
    world.ticks(45, 0.1)
    assert world.signals() == [KILL]
    world.ticks(10, 0.1)
    assert world.signals() == [KILL, KILL]
    assert world.said("unkillable") and world.alive(stuck)


def test_after_an_end_it_waits_a_moment_before_it_judges_again() -> None:
    world = pressed(10, 5)
    world.tick(0.05)
    world.base_mib = 1000  # the kernel has not counted the freed memory yet
    world.tick(0.05)
    world.tick(0.05)
    assert world.signals() == [KILL]
    world.ticks(6, 0.05)
    assert len(world.sent) == 2


def test_it_closes_when_it_is_over_and_the_next_one_is_another_incident() -> None:
    world = pressed(80, 40)
    world.ticks(11)
    assert not world.said("closed"), "one trouble is one incident: it is over when it stays over"
    world.ticks(2)
    opened, ended, closed = [note for note in world.notes if note.rule == "emergency"]
    assert opened.result == "opened: memory and swap are running out"
    assert ended.kind is NoteKind.OUTCOME and ended.result == "ended after KILL"
    assert closed.result == "closed: the emergency is over" and opened.incident == closed.incident == ended.incident
    world.spawn("hog", rss_mib=400)
    world.tick()
    assert world.said("opened")[1].incident != opened.incident


def test_one_that_comes_again_at_once_belongs_to_the_same_incident() -> None:
    world = pressed(80, 40)
    world.ticks(5)
    world.spawn("hog", rss_mib=400)
    world.ticks(20)
    assert len(world.said("opened")) == len(world.said("closed")) == 1
    assert len([note for note in world.notes if note.result.startswith("ended")]) == 2


def test_a_bad_reading_neither_fires_nor_closes_it() -> None:
    world = pressed()
    world.tick()
    world.memory_readable = False
    world.ticks(3)
    assert not world.said("closed") and world.signals() == [TERM]
    world.ticks(10)
    assert world.signals() == [TERM, KILL], "what was begun goes on"


def test_the_preferred_go_first_when_they_are_worth_it() -> None:
    world = pressed(rule=replace(RULE, prefer=("scan", "tiny")))
    more = {"scan": noun("scan"), "tiny": noun("tiny")}
    world.policy = replace(world.policy, processes={**world.policy.processes, **more})
    world.spawn("tiny", rss_mib=14)
    scan = world.spawn("scan", rss_mib=16)
    world.tick()
    assert [identity for _, _, identity, _ in world.sent] == [scan.id]


def test_the_kernels_own_score_decides_where_it_was_read_and_its_formula_where_not() -> None:
    told = proc(10, "told", rss=50, badness=900)
    big, adjusted = proc(11, "big", rss=300), proc(12, "adjusted", rss=100, oom_score_adj=400)
    total = (1024 + 512) << 20
    assert badness(told, total) == 900
    assert badness(big, total) == 195 and badness(adjusted, total) == 465
    assert badness(proc(13, rss=10, oom_score_adj=-500), total) == 0
    assert badness(big, 0) == 0
    view = View(snapshot(told, big, adjusted), policy())
    assert [process.comm for process in ranked(view)] == ["told", "adjusted", "big"]


def test_the_dead_kernel_threads_and_those_that_hold_nothing_are_no_candidates() -> None:
    none = snapshot(proc(10, "zombie", state="Z"), proc(11, "kswapd0", kernel_thread=True), proc(12, rss=0))
    assert ranked(View(none, policy())) == []


def test_whoever_holds_too_little_to_help_comes_last_whatever_the_kernel_thinks_of_it() -> None:
    small, big = proc(10, "small", rss=10, badness=900), proc(11, "big", rss=300, badness=1, oom_score_adj=-900)
    assert ranked(View(snapshot(small, big), policy())) == [big, small]


def test_swap_counts_as_much_as_memory() -> None:
    swapped, resident = proc(10, "swapped", rss=1, swap_bytes=500 << 20), proc(11, "resident", rss=300)
    assert ranked(View(snapshot(swapped, resident), policy()))[0] is swapped


def test_nobody_protected_is_chosen_and_when_nobody_is_left_it_says_so_once() -> None:
    world = pressed(80, 40)
    everyone = noun("everyone", comm=None, cmdline=".*")
    world.policy = replace(world.policy, processes={"everyone": everyone}, protects={"all": Protect("all", "everyone")})
    for process in world.procs.values():
        process.facts = replace(process.facts, cmdline="x", cmdline_has=frozenset(everyone.cmdline))
    world.ticks(20)
    assert world.sent == []
    note, = world.said("nobody is left who may be ended")
    assert any("it is protected by protect.all" in reason for reason in note.because)


def test_one_that_cannot_be_signalled_does_not_hold_up_the_next() -> None:
    for available, swap_free in ((150, 75), (80, 40)):
        world = pressed(available, swap_free)
        first = next(process for process in world.procs.values() if process.comm == "hog")
        first.out_of_reach = True
        world.ticks(3)
        assert world.signals(first) == [] and len(world.sent) >= 1


def test_an_ending_with_a_long_grace_is_hurried_along() -> None:
    world = pressed()
    world.policy = replace(world.policy, limits={"hog": Limit("hog", "hog", rss=mib(100), grace_seconds=600.0)})
    world.swap_used_mib = 0
    world.ticks(20)  # the limit has asked it to go in its own time
    assert world.signals() == [TERM]
    world.swap_used_mib = 437
    world.ticks(2)
    assert world.signals() == [TERM, KILL]
    assert len({identity for _, _, identity, _ in world.sent}) == 1


def test_an_ending_is_made_a_kill_as_soon_as_it_gets_desperate() -> None:
    world = pressed()
    world.tick()
    world.base_mib = 80
    world.swap_used_mib = 480
    world.tick()
    assert world.signals() == [TERM, KILL]
    assert all(termination.stage is Stage.KILL for termination in world.history.terminations.values())


def test_observed_only_tells_whom_it_would_end_and_ends_nobody() -> None:
    world = pressed(80, 40, replace(RULE, mode=Mode.OBSERVE))
    world.ticks(5)
    note, = world.notes
    assert note.result.startswith("observed only: would end hog[") and world.sent == []


def test_observed_only_says_so_when_there_is_nobody() -> None:
    world = World(policy(replace(RULE, mode=Mode.OBSERVE)), base_mib=1000, swap_mib=0)
    world.spawn("kswapd0", kernel_thread=True, rss_mib=10)
    world.tick()
    assert [note.result for note in world.notes] == ["observed only: would find nobody to end"]


def test_even_an_emergency_keeps_to_the_budget_of_kills() -> None:
    world = World(policy(RULE), Budget(kills_per_minute=3), base_mib=1000, swap_mib=0)
    for _ in range(20):
        world.spawn("fork", rss_mib=10)
    world.ticks(50)
    assert len(world.sent) == 3
    world.ticks(60)
    assert len(world.sent) == 6


def test_near_means_below_twice_both_thresholds() -> None:
    emergency = Emergency(percent(10.0), percent(10.0))
    assert near(memory(19.0, 19.0), emergency)
    assert not near(memory(21.0, 19.0), emergency)
    assert not near(memory(19.0, 21.0), emergency)
    assert near(memory(19.0, 0.0, swap_total=0), emergency)
    assert near(memory(50.0, 50.0), Emergency(percent(60.0), percent(60.0)))
    assert near(memory(10.0, 10.0), Emergency(mib(50), mib(30)))
    assert not near(memory(13.0, 10.0), Emergency(mib(50), mib(30)))


def test_a_killed_process_that_is_being_torn_down_is_waited_for_though_others_hold_more_by_now() -> None:
    world = pressed(80, 40)
    dying = hog(world)
    dying.unkillable = True
    world.tick()
    dying.rss_mib, world.base_mib = 20, 380  # half torn down, and the kernel has not given anything back yet
    world.ticks(3)
    assert world.signals() == [KILL]


def test_a_kill_that_could_not_be_sent_does_not_hold_up_the_next() -> None:
    world = pressed()
    first = hog(world)
    world.ticks(5)
    first.out_of_reach = True
    world.ticks(4)
    assert world.signals(first) == [TERM] and len(world.sent) >= 2


@pytest.mark.parametrize(("available", "swap_free", "expected"), [
    (81.0, 81.0, (False, False, False)), (79.0, 81.0, (False, False, False)), (79.0, 79.0, (True, False, False)),
    (39.0, 79.0, (True, False, False)), (39.0, 39.0, (True, True, False)), (19.0, 39.0, (True, True, False)),
    (19.0, 19.0, (False, True, True))])
def test_an_emergency_is_imminent_then_near_then_met(
        available: float, swap_free: float, expected: tuple[bool, bool, bool]) -> None:
    now = memory(available, swap_free)
    assert (imminent(now, RULE), near(now, RULE), met(now, RULE)) == expected
