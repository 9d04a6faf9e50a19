"""Terminations only move forward (Law 4), and count as done only when the process is gone (Law 6)."""

from __future__ import annotations

from dataclasses import replace

from tests.core.build import mib, noun, percent, policy
from tests.core.world import Proc, World
from watchdog_oom.core.actions import SignalName
from watchdog_oom.core.history import Stage
from watchdog_oom.core.policy import Emergency, Limit, Protect

TERM, KILL = SignalName.TERM, SignalName.KILL
RULES = policy(noun("hog"), Limit("hog", "hog", rss=mib(100), grace_seconds=10.0))


def world_with_hog(**rest: object) -> tuple[World, Proc]:
    world = World(RULES)
    return world, world.spawn("hog", rss_mib=200, ignores_term=True, **rest)  # type: ignore[arg-type]


def test_a_zombie_counts_as_gone() -> None:
    world, hog = world_with_hog()
    world.ticks(2)
    hog.state = "Z"
    world.ticks(1)
    assert world.said("ended after TERM") and world.history.terminations == {}


def test_the_end_after_kill_says_kill_even_when_it_was_called_unkillable() -> None:
    world, hog = world_with_hog(unkillable=True)
    world.ticks(30)
    assert world.history.terminations[hog.id].stage is Stage.UNKILLABLE
    del world.procs[hog.pid]
    world.ticks(1)
    assert world.said("ended after KILL")


def test_a_term_that_could_not_be_sent_is_tried_again_after_a_minute() -> None:
    world, hog = world_with_hog(out_of_reach=True)
    world.ticks(2)
    assert world.history.terminations == {} and world.history.shunned[hog.id] == world.now + 60.0
    hog.out_of_reach = False
    world.ticks(59)
    assert world.signals(hog) == []
    world.ticks(2)
    assert world.signals(hog) == [TERM]


def test_a_kill_that_could_not_be_sent_is_tried_again_and_term_never_is() -> None:
    world, hog = world_with_hog()
    world.ticks(2)
    hog.out_of_reach = True
    tried = sum(len(world.tick().intents) for _ in range(60))
    assert world.signals(hog) == [TERM] and tried == 1
    hog.out_of_reach = False
    world.ticks(80)
    assert world.signals(hog) == [TERM, KILL]


def test_one_that_went_before_its_signal_could_be_sent_is_not_said_to_have_been_ended() -> None:
    world, hog = world_with_hog(out_of_reach=True)
    world.ticks(1)
    del world.procs[hog.pid]
    world.ticks(1)
    assert [note.result for note in world.notes] == ["gone before TERM was sent"]


def test_one_that_becomes_protected_after_term_gets_no_kill_and_is_given_up() -> None:
    world, hog = world_with_hog()
    world.ticks(2)
    world.policy = replace(RULES, protects={"hog": Protect("hog", "hog")})
    world.ticks(60)
    assert world.signals(hog) == [TERM]
    assert world.said("given up: it may no longer be killed")
    assert [refusal.reason for refusal in world.refusals] == ["it is protected by protect.hog"]


def test_no_kill_follows_for_a_noun_or_a_rule_that_has_left_the_policy_or_means_another_one_now() -> None:
    limit = Limit("hog", "hog", rss=mib(100))
    for changed in (policy(), policy(noun("hog")), policy(noun("hog", comm="other"), limit)):
        world, hog = world_with_hog()
        world.ticks(2)
        world.policy = changed
        world.ticks(60)
        assert world.signals(hog) == [TERM]
        assert world.said("given up: ") and world.history.terminations == {}


def test_one_that_becomes_protected_does_not_block_the_emergency() -> None:
    rules = policy(noun("hog"), Emergency(percent(30.0), percent(30.0)))
    world = World(rules, swap_mib=0)
    hog = world.spawn("hog", rss_mib=400, ignores_term=True)
    other = world.spawn("other", rss_mib=300)
    world.ticks(2)
    assert world.signals(hog) == [TERM]
    world.policy = replace(rules, protects={"hog": Protect("hog", "hog")})
    world.ticks(8)
    assert not world.alive(other) and world.alive(hog)


def test_whoever_is_being_ended_is_watched_so_that_its_kill_needs_no_noun() -> None:
    world = World(policy(Emergency(percent(20.0), percent(20.0))), base_mib=0, swap_used_mib=500)
    stubborn = world.spawn("stubborn", rss_mib=900, ignores_term=True)
    plan = world.tick()
    assert plan.watch.processes == {stubborn.pid}
    world.swap_used_mib = 0  # the emergency is over, and nobody else asks about the one that got TERM
    world.ticks(6)
    assert world.signals(stubborn) == [SignalName.TERM, SignalName.KILL]


def test_names_of_processes_are_made_safe_to_print() -> None:
    world = World(policy(noun("hog", comm="a\n\x1b[2J"), Limit("hog", "hog", rss=mib(100))))
    world.spawn("a\n\x1b[2J", rss_mib=200)
    world.ticks(2)
    for text in (world.notes[0].action or "", *world.notes[0].because):
        assert text.isprintable()


def test_endings_go_on_while_the_daemon_stops_but_nothing_new_begins() -> None:
    world, hog = world_with_hog()
    world.ticks(2)
    other = world.spawn("hog", rss_mib=200)
    world.history = replace(world.history, stopping=True)
    world.ticks(12)
    assert world.signals(hog) == [TERM, KILL] and world.signals(other) == []
