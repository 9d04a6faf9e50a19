"""Pauses on a simulated host: nothing is done meanwhile, and the rule acts again by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.build import mib, noun, percent, policy, step, when
from tests.core.world import World
from watchdog_oom.core.conditions.process import ProcessesAre
from watchdog_oom.core.nouns import ServiceNoun
from watchdog_oom.core.pause import ALL, Pause
from watchdog_oom.core.policy import Emergency, Limit, Protect, Recover, Then, Verb

RECOVER = Recover("app", (when(ProcessesAre("leak", count_above=0)),), (step(Verb.STOP, "app"),
                                                                         step(Verb.START, stopped=True)))


def paused(world: World, *rules: str, seconds: float = 60.0) -> World:
    until = world.now + seconds
    world.history = replace(world.history, pauses={rule: Pause(until, world.wall + seconds, "root (pid 12)", "upgrade")
                                                   for rule in rules})
    return world


def leaking(*parts: Limit | Recover | Emergency | Protect, **rest: int) -> World:
    world = World(policy(noun("leak"), ServiceNoun("app", "app.service"), *parts), **rest)  # type: ignore[arg-type]
    world.service("app")
    world.spawn("leak", rss_mib=200)
    return world


def test_a_paused_limit_kills_nobody_and_acts_when_its_time_is_over() -> None:
    world = paused(leaking(Limit("leak", "leak", rss=mib(100))), "limit.leak")
    world.ticks(59)
    assert world.signals() == []
    (told,) = world.said("paused by")
    assert told.result.startswith("paused by root (pid 12) because upgrade: would TERM leak")
    world.ticks(3)
    assert [str(signal) for signal in world.signals()][:1] == ["TERM"]
    (over,) = world.said("the pause is over")
    assert (over.rule, over.because) == ("limit.leak", ("paused by root (pid 12) because upgrade",))
    assert world.history.pauses == {}


def test_a_paused_recovery_opens_nothing_and_says_what_it_would_do() -> None:
    world = paused(leaking(RECOVER), ALL)
    world.ticks(59)
    assert world.done == []
    assert [note.result for note in world.said("would")] == [
        "paused by root (pid 12) because upgrade: would stop app.service; would start what was stopped"]
    world.ticks(8)
    assert world.done[:1] == ["stop app.service"]


def test_a_recovery_under_way_finishes_first() -> None:
    world = leaking(RECOVER)
    world.units["app.service"].stop_takes = 5.0
    world.until(lambda: "stop app.service" in world.done)
    paused(world, "recover.app", seconds=1000.0)
    world.until(lambda: bool(world.said("closed: success")), most=60)
    assert world.done == ["stop app.service", "start app.service"]
    world.ticks(500)
    assert world.done == ["stop app.service", "start app.service"], "and the next one waits for the end of the pause"


def test_a_paused_recovery_does_not_start_what_it_owes_either_until_the_pause_is_over() -> None:
    world = leaking(replace(RECOVER, when=(), cooldown_seconds=1.0))
    world.tick()
    state = world.history.recoveries["app"]
    world.history = replace(world.history, recoveries={"app": replace(state, owed=("app",))})
    paused(world, "recover.app")
    world.ticks(59)
    assert not world.running("app") and world.history.recoveries["app"].owed == ("app",)
    world.ticks(2)
    assert world.running("app")


@pytest.mark.parametrize(("rule", "ended"), [(ALL, True), ("emergency", False)])
def test_the_emergency_acts_unless_it_was_paused_by_its_own_name(rule: str, ended: bool) -> None:
    everywhere = Emergency(memory_available_below=percent(99.0), swap_free_below=percent(100.0))
    world = paused(leaking(everywhere, swap_mib=0), rule)
    world.ticks(5)
    assert bool(world.signals()) is ended
    assert bool(world.said("paused by root (pid 12) because upgrade: would TERM leak")) is not ended


def test_whom_a_paused_limit_had_frozen_is_continued() -> None:
    world = leaking(Limit("leak", "leak", rss=mib(100), then=Then.FREEZE))
    world.ticks(2)
    paused(world, "limit.leak")
    world.ticks(2)
    assert [str(signal) for signal in world.signals()] == ["STOP", "CONT"]


def test_a_pause_outlives_the_daemon() -> None:
    world = paused(leaking(Limit("leak", "leak", rss=mib(100))), "limit.leak")
    world.tick()
    world.tick(killed_after=0)
    world.ticks(30)
    assert world.signals() == [] and set(world.history.pauses) == {"limit.leak"}


def test_a_debt_of_a_paused_recovery_is_not_paid_by_the_next_daemon_before_the_pause_is_over() -> None:
    world = leaking(replace(RECOVER, when=(), cooldown_seconds=1.0))
    world.tick()
    state = world.history.recoveries["app"]
    world.history = replace(world.history, recoveries={"app": replace(state, owed=("app",))})
    paused(world, "recover.app")
    world.tick(killed_after=0)
    world.ticks(30)
    assert world.done == []
    world.ticks(60)
    assert not world.history.recoveries["app"].owed
