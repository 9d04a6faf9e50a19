"""Services whose state cannot be known: nobody waits for it, and what rests on a script's word is not called proved."""

from __future__ import annotations

import pytest

from tests.core.build import noun, policy, step, when
from tests.core.world import World
from watchdog_oom.core.conditions.process import ProcessesAre
from watchdog_oom.core.model import ServiceStatus
from watchdog_oom.core.nouns import ServiceNoun, TcpProbe
from watchdog_oom.core.policy import Recover, RecoveryStep, Verb

RESTART = step(Verb.RESTART, "a")
STOP_AND_START = (step(Verb.STOP, "a"), step(Verb.START, stopped=True))


def world_of(*steps: RecoveryStep, probe: bool = False, stable: float = 0.0) -> World:
    asked = TcpProbe("localhost", 1, within_seconds=20.0) if probe else None
    world = World(policy(noun("worker"), ServiceNoun("a", "a.service", (), stable, asked),
                         Recover("r", (when(ProcessesAre("worker", count_above=0)),), steps)))
    world.service("a", knowable=False)
    world.spawn("worker")
    return world


def closed(world: World, *, within: float = 10.0) -> str:
    begun = world.now
    world.until(lambda: bool(world.said("closed")), most=1000)
    assert world.now - begun <= within
    return world.said("closed")[0].result


@pytest.mark.parametrize("steps", [(RESTART,), STOP_AND_START])
def test_a_restart_waits_for_the_script_and_for_nothing_that_cannot_be_known(steps: tuple[RecoveryStep, ...]) -> None:
    world = world_of(*steps)
    assert closed(world) == "closed: success"
    assert world.done == ["stop a.service", "start a.service"] and world.status("a") is ServiceStatus.ACTIVE


def test_what_only_the_script_said_is_told_as_not_verified() -> None:
    world = world_of(*STOP_AND_START)
    closed(world)
    assert [(note.result, note.ok) for note in world.notes if note.action] == [
        ("done, but not verified: a was stopped; the state of a cannot be known: no status", None),
        ("done, but not verified: active: a; the state of a cannot be known: no status", None)]


def test_a_stop_that_the_script_says_went_wrong_fails_at_once_and_the_service_is_started_again() -> None:
    world = world_of(RESTART)
    world.units["a.service"].stop = "fails"
    told = closed(world)
    assert "a could not be stopped: it did not work; its state cannot be known: no status" in told
    assert told.endswith("everything it had stopped runs again")
    assert world.done == ["stop a.service failed", "start a.service"]


def test_a_start_that_the_script_says_went_wrong_stays_owed() -> None:
    world = world_of(RESTART)
    world.units["a.service"].start = "fails"
    told = closed(world)
    assert "a could not be started: it did not work" in told and told.endswith("still down: a")


def test_a_verify_without_a_probe_fails_at_once_and_says_what_is_missing() -> None:
    told = closed(world_of(step(Verb.VERIFY, "a")))
    assert told.startswith("closed: failed: verify a: the state of a cannot be known: no status; give it a probe")


def test_a_probe_proves_what_no_state_tells_once_it_may_count_as_stable() -> None:
    world = world_of(step(Verb.VERIFY, "a"), probe=True, stable=5.0)
    assert closed(world) == "closed: success"
    (note,) = world.said("verified")
    assert note.result == "verified: a answers: ok" and (note.took_seconds or 0.0) >= 5.0


def test_a_probe_that_is_not_answered_is_no_proof() -> None:
    world = world_of(step(Verb.VERIFY, "a"), probe=True)
    world.units["a.service"].answers = False
    assert "a does not answer" in closed(world, within=30.0)
