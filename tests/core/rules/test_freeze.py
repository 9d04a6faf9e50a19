"""Frozen processes are continued: when the rule no longer asks, when the run ends, when the daemon stops."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.build import mib, noun, policy, step, when
from tests.core.world import Proc, World
from watchdog_oom.core.actions import SignalName
from watchdog_oom.core.conditions.process import ProcessesAre
from watchdog_oom.core.policy import First, Limit, Protect, Recover, RecoveryStep, Then, Verb

STOP, CONT, TERM = SignalName.STOP, SignalName.CONT, SignalName.TERM


def recovering(*steps: RecoveryStep) -> World:
    return World(policy(noun("worker"), noun("sign"),
                        Recover("r", (when(ProcessesAre("sign", count_above=0)),),
                                (step(Verb.FREEZE, "worker"), *steps))))


def frozen_world(*steps: RecoveryStep) -> tuple[World, Proc]:
    world = recovering(*steps)
    world.spawn("sign")
    return world, world.spawn("worker")


@pytest.mark.parametrize("works", [True, False])
def test_the_frozen_stand_still_for_as_long_as_the_run_lasts_and_are_continued_at_its_end(works: bool) -> None:
    world, worker = frozen_world(step(Verb.WAIT, within=20.0), step(Verb.RUN, argv=("/bin/true",)))
    world.run_works = works
    world.ticks(15)
    assert worker.state == "T" and world.signals(worker) == [STOP]
    late = world.spawn("worker")
    world.ticks(2)
    assert late.state == "T", "one that came later is frozen too"
    world.until(lambda: bool(world.said("closed")))
    world.tick()
    assert world.signals(worker) == [STOP, CONT] and worker.state == late.state == "S"


def test_the_frozen_are_continued_when_the_daemon_stops() -> None:
    world, worker = frozen_world(step(Verb.WAIT, within=20.0))
    world.ticks(5)
    world.stop()
    assert world.signals(worker) == [STOP, CONT]


def test_the_frozen_are_continued_when_the_daemon_had_crashed() -> None:
    world, worker = frozen_world(step(Verb.WAIT, within=20.0))
    world.ticks(5)
    world.crash()
    world.procs = {worker.pid: worker}
    world.tick()
    assert world.signals(worker) == [STOP, CONT]


def test_a_run_waits_until_all_stand_still_and_fails_when_they_do_not() -> None:
    world, worker = frozen_world()
    worker.out_of_reach = True
    world.until(lambda: bool(world.said("closed")))
    assert "freeze worker: not done within 15s" in world.said("closed")[0].result


def test_a_stop_that_was_not_heeded_is_sent_again_after_a_while() -> None:
    world = World(policy(noun("hog"), Limit("hog", "hog", rss=mib(100), then=Then.FREEZE)))
    hog = world.spawn("hog", rss_mib=200)
    world.ticks(2)
    hog.state = "S"  # somebody continued it
    world.ticks(12)
    assert world.signals(hog) == [STOP, STOP] and hog.state == "T"


def test_one_that_may_not_be_frozen_is_left_alone() -> None:
    world, worker = frozen_world()
    world.policy = replace(world.policy, protects={"worker": Protect("worker", "worker")})
    world.until(lambda: bool(world.said("closed: success")), most=20)
    assert world.signals(worker) == []
    assert [refusal.reason for refusal in world.refusals] == ["it is protected by protect.worker"]


def test_one_that_has_gone_is_forgotten() -> None:
    world, worker = frozen_world(step(Verb.WAIT, within=20.0))
    world.ticks(5)
    del world.procs[worker.pid]
    world.ticks(30)
    assert world.signals(worker) == [STOP] and world.history.frozen == {}


def test_one_that_is_being_ended_is_continued_so_that_it_can_follow_the_term() -> None:
    rules = policy(noun("hog"), Limit("hold", "hog", rss=mib(100), then=Then.FREEZE), Limit("end", "hog", rss=mib(300)))
    world = World(rules)
    hog = world.spawn("hog", rss_mib=200, ignores_term=True)
    world.ticks(3)
    hog.rss_mib = 400
    world.ticks(3)
    assert world.signals(hog) == [STOP, TERM, CONT] and hog.state == "S"


def test_who_waits_and_is_ended_by_another_rule_is_continued_so_that_it_can_follow_the_term() -> None:
    world = World(policy(noun("scan"), Limit("a", "scan", count=1, first=First.NEWEST, then=Then.FREEZE),
                         Limit("b", "scan", rss=mib(50))))
    world.spawn("scan", age=10.0)
    waiting = world.spawn("scan", age=1.0)
    world.ticks(3)
    assert waiting.state == "T"
    waiting.rss_mib = 60
    assert [intent.action.signal for intent in world.tick().intents] == [TERM, CONT]  # type: ignore[union-attr]


def test_a_frozen_process_that_a_new_policy_protects_is_continued() -> None:
    rules = (noun("worker"), Limit("worker", "worker", rss=mib(100), then=Then.FREEZE))
    world = World(policy(*rules))
    worker = world.spawn("worker", rss_mib=150)
    world.ticks(3)
    assert worker.state == "T"
    world.policy = policy(*rules, Protect("worker", "worker"))
    world.ticks(3)
    assert (worker.state, world.signals(worker)) == ("S", [STOP, CONT])
