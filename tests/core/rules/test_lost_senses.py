"""A watch that is blind says so, and again every hour."""

from __future__ import annotations

from dataclasses import replace

from tests.core.build import NOW, policy, snapshot, tick
from tests.core.world import World
from watchdog_oom.core.history import History
from watchdog_oom.core.rules import lost_senses


def test_memory_that_cannot_be_judged_is_told_after_a_moment_and_again_every_hour() -> None:
    world = World(policy())
    world.tick()
    world.memory_readable = False
    world.ticks(5)
    assert world.notes == []
    world.ticks(60)
    note, = world.notes
    assert note.result.startswith("memory cannot be judged: the emergency and every condition")
    assert note.because == ("meminfo: no memory at all",) and note.rule == "memory"
    world.ticks(121, seconds=60.0)
    assert len(world.notes) == 3


def test_when_it_can_be_judged_again_that_is_told_with_the_time_it_took_and_the_next_time_is_news() -> None:
    world = World(policy())
    world.memory_readable = False
    world.ticks(30)
    world.memory_readable = True
    world.ticks(10)
    assert [note.result for note in world.notes][1:] == ["memory can be judged again"]
    assert world.notes[-1].took_seconds == 30.0
    world.memory_readable = False
    world.ticks(10)
    assert len(world.said("memory cannot be judged")) == 2


def test_a_single_bad_reading_is_not_worth_a_word() -> None:
    world = World(policy())
    for readable in (True, False) * 20:
        world.memory_readable = readable
        world.tick()
    assert world.notes == []


def test_records_of_the_kernels_log_that_were_lost_are_told_once_an_hour() -> None:
    history = History()
    said = []
    for second in range(0, 4000, 100):
        seen = snapshot(at=NOW + second, kernel_log_gaps=2 if second % 200 == 0 else 0)
        now = tick(seen, history=history)
        lost_senses.apply(now)
        plan, history = now.result()
        said += [(second, note.result, note.because) for note in plan.notes]
    assert [second for second, _, _ in said] == [0, 3600]
    assert "overwritten before they could be read" in said[0][1] and "2 gaps" in said[0][2][0]


def test_a_calm_snapshot_says_nothing() -> None:
    now = tick(replace(snapshot(), memory_problem=""))
    lost_senses.apply(now)
    assert now.result()[0].notes == ()
