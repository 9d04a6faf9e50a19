"""The last resort: only below both thresholds, on the right process, and not twice before the memory is free."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.build import mib, noun, percent, policy
from tests.core.world import Proc, World
from watchdog_oom.core.actions import NoteKind, SignalName
from watchdog_oom.core.guard import Budget
from watchdog_oom.core.history import Stage
from watchdog_oom.core.memory import Pressure
from watchdog_oom.core.policy import Emergency, Limit, Mode, Protect

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
    assert note.result.startswith("observed only: would KILL hog[101] (400 MiB)") and world.sent == []


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


THRASHING = Emergency(percent(20.0), percent(20.0), pressure_full_above=70.0, pressure_for_seconds=20.0)
ALL_WAIT, CALM = Pressure(97.0, 85.0), Pressure(5.0, 1.0)


def thrashing(rule: Emergency = THRASHING, available_mib: int = 150) -> World:
    """Half of the swap is free, but everything waits for memory."""
    world = pressed(available_mib, 256, rule)
    world.pressure = ALL_WAIT
    return world


def test_a_host_that_does_nothing_but_swap_is_met_after_a_while_though_half_of_the_swap_is_free() -> None:
    world = thrashing()
    world.ticks(20)
    assert world.signals() == []
    world.tick()
    assert world.signals() == [TERM]
    opened, = world.said("opened")
    assert opened.result == "opened: memory is short and everything waits for it"
    words = "; ".join(opened.because)
    assert "memory pressure (full) is 85% over 10 s (threshold 70%)" in words
    assert "it counts as short below 40%" in words and "lasted for 20s" in words


def test_term_by_pressure_becomes_kill_like_any_other_of_the_emergency() -> None:
    world = thrashing()
    world.ticks(25)
    assert world.signals(hog(world)) == [TERM]
    world.ticks(1)
    assert world.signals() == [TERM, KILL]


@pytest.mark.parametrize(("available_mib", "pressure", "rule"), [
    (320, ALL_WAIT, replace(THRASHING, memory_available_below=percent(15.0))),
    (150, CALM, THRASHING), (150, None, THRASHING),
    (150, Pressure(100.0, 100.0), replace(THRASHING, pressure_full_above=100.0))])
def test_pressure_alone_shortage_alone_and_a_policy_that_wants_nothing_of_it_end_nobody(
        available_mib: int, pressure: Pressure | None, rule: Emergency) -> None:
    world = thrashing(rule, available_mib)
    world.pressure = pressure
    world.ticks(120)
    assert world.sent == []


def test_a_burst_of_pressure_starts_anew_and_a_missing_reading_neither_counts_nor_resets() -> None:
    world = thrashing()
    world.ticks(15)
    world.pressure = CALM
    world.tick()
    world.pressure = ALL_WAIT
    world.ticks(15)
    assert world.sent == []
    world.memory_readable = False
    world.ticks(30)
    world.memory_readable = True
    assert world.sent == []
    world.ticks(8)
    assert world.signals() == [TERM]


def test_nobody_else_is_ended_by_averages_that_could_not_have_fallen_yet() -> None:
    world = thrashing()
    victim = hog(world)
    victim.ignores_term = False
    world.ticks(21)
    world.base_mib += 400  # what it gives back is gone again at once
    world.tick()
    assert not world.alive(victim)
    world.ticks(14)
    assert world.signals() == [TERM]
    world.ticks(2)
    assert len(world.sent) == 2


def test_as_long_as_everything_waits_the_incident_is_not_over() -> None:
    world = thrashing()
    hog(world).ignores_term = False
    world.ticks(21)
    world.base_mib += 400
    world.ticks(12)
    assert len(world.said("opened")) == 1 and not world.said("closed")
    world.pressure = CALM
    world.ticks(3)
    world.pressure = ALL_WAIT
    world.ticks(15)
    assert not world.said("closed"), "it has not lasted long enough for another end, and is not over either"
    world.pressure = CALM
    world.ticks(12)
    assert len(world.said("closed")) == 1


def test_observed_only_pressure_is_told_and_ends_nobody() -> None:
    world = thrashing(replace(THRASHING, mode=Mode.OBSERVE))
    world.ticks(60)
    assert world.sent == [] and len(world.said("observed only: would TERM hog[")) == 1


def test_a_full_tmpfs_ends_nobody_whose_end_would_not_help_and_is_told() -> None:
    world = World(policy(Emergency()), ram_mib=16384, base_mib=20, swap_mib=0, tmpfs_mib=16384 - 20 - 200 - 90)
    for _ in range(10):
        world.spawn("small", rss_mib=20)
    world.ticks(30)
    assert world.sent == []
    note, = world.said("nobody is left who may be ended")
    assert any("its end would not help" in reason for reason in note.because)
    assert any("never less than 164 MiB" in reason for reason in note.because)


def test_below_the_floor_whoever_brings_enough_back_is_ended_whatever_the_share_says() -> None:
    world = World(policy(Emergency()), ram_mib=16384, base_mib=20, swap_mib=0, tmpfs_mib=16384 - 20 - 380 - 60)
    big, small = world.spawn("big", rss_mib=300), world.spawn("small", rss_mib=80)
    world.ticks(3)
    assert world.signals(big) and not world.signals(small)


def test_where_swap_does_not_matter_memory_alone_decides_and_makes_it_a_kill() -> None:
    world = pressed(80, 500, replace(RULE, swap_free_below=percent(100.0)))
    world.tick()
    assert world.signals() == [KILL]
