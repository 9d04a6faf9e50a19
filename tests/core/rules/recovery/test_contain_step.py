"""The step contain: bounds until the run ends, done when the state shows them, and never blocking other steps."""

from __future__ import annotations

from tests.core.build import MIB, mib, noun, policy, step, when
from tests.core.world import Unit, World
from watchdog_oom.core.conditions.process import ProcessesAre
from watchdog_oom.core.model import UNLIMITED_BYTES
from watchdog_oom.core.policy import Protect, Recover, RecoveryStep, Verb

UNIT = "report.service"
CONTAIN = step(Verb.CONTAIN, "leaker", memory_high=mib(100), memory_max=mib(500))


def world_of(*steps: RecoveryStep, protected: bool = False, unit: str | None = UNIT) -> tuple[World, Unit]:
    parts = [Protect("p", "leaker")] if protected else []
    world = World(policy(noun("leaker"), *parts, Recover(
        "r", (when(ProcessesAre("leaker", count_above=0)),), steps)))
    found = world.service("report")
    world.spawn("leaker", rss_mib=150, unit=unit)
    return world, found


def verified(world: World) -> list[str]:
    return [note.result.removeprefix("verified: ") for note in world.said("verified: ")
            if note.action and ". " in note.action]


def test_the_unit_is_bound_for_as_long_as_the_run_lasts_and_then_released() -> None:
    world, unit = world_of(CONTAIN, step(Verb.WAIT, within=20.0))
    world.until(lambda: bool(verified(world)))
    assert verified(world) == [f"contained: {UNIT}"]
    assert (unit.memory_high, unit.memory_max) == (100 * MIB, 500 * MIB)
    world.ticks(15)
    assert unit.memory_high == 100 * MIB
    world.until(lambda: bool(world.said("closed: success")))
    world.ticks(6)
    assert (unit.memory_high, unit.memory_max) == (UNLIMITED_BYTES, UNLIMITED_BYTES)


def test_a_failed_step_later_on_releases_it_too() -> None:
    world, unit = world_of(CONTAIN, step(Verb.RUN, argv=("/bin/false",)))
    world.run_works = False
    world.until(lambda: bool(world.said("closed: failed")))
    world.ticks(6)
    assert unit.memory_high == UNLIMITED_BYTES


def test_what_cannot_be_contained_is_told_and_the_run_goes_on() -> None:
    for keys, reason in (({"protected": True}, "it is protected by protect.p"),
                         ({"unit": None}, "is not in a systemd unit"),
                         ({"unit": "system.slice"}, "never a slice")):
        world, unit = world_of(CONTAIN, step(Verb.WAIT, within=1.0), **keys)
        assert any(world.tick() and world.said("closed: success") for _ in range(60))
        assert "contained: nothing; left alone: " in verified(world)[0]
        assert reason in verified(world)[0]
        assert unit.memory_high == UNLIMITED_BYTES


def test_a_unit_bound_tighter_already_is_done_and_stays() -> None:
    world, unit = world_of(CONTAIN, step(Verb.WAIT, within=1.0))
    unit.memory_high, unit.memory_max = 50 * MIB, 60 * MIB
    world.until(lambda: bool(world.said("closed: success")))
    assert (unit.memory_high, unit.memory_max) == (50 * MIB, 60 * MIB)


def test_a_bound_that_cannot_be_set_fails_the_step_at_its_deadline() -> None:
    world, unit = world_of(CONTAIN)
    unit.bound = "fails"
    world.until(lambda: bool(world.said("closed: failed")), most=60)
    assert "not done within 30s" in world.said("closed: failed")[0].result


def test_a_crash_in_the_middle_of_the_run_leaves_no_unit_bound() -> None:
    world, unit = world_of(CONTAIN, step(Verb.WAIT, within=20.0))
    world.until(lambda: unit.memory_high == 100 * MIB)
    world.crash()
    world.procs.clear()
    world.until(lambda: unit.memory_high == UNLIMITED_BYTES, most=60)
