"""Verify: active, stable, answering; a moment of life is not enough."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.core.build import noun, policy, step, when
from tests.core.world import World
from watchdog_oom.core.actions import Intent, Note, Probe
from watchdog_oom.core.conditions.process import ProcessesAre
from watchdog_oom.core.model import ServiceStatus
from watchdog_oom.core.nouns import ServiceNoun, TcpProbe
from watchdog_oom.core.policy import Recover, Verb


def world_of(*, stable: float = 5.0, probe: bool = True, within: float | None = None) -> World:
    asked = TcpProbe("localhost", 1, within_seconds=20.0) if probe else None
    clause = when(ProcessesAre("worker", count_above=0))
    verify = Recover("r", (clause,), (step(Verb.VERIFY, "a", "b", within=within),))
    world = World(policy(noun("worker"), ServiceNoun("a", "a.service", (), stable, asked),
                         ServiceNoun("b", "b.service"), verify))
    world.service("a")
    world.service("b")
    world.spawn("worker")
    return world


def closed(world: World, meanwhile: Callable[[], object] = lambda: None) -> str:
    def over() -> bool:
        meanwhile()
        return bool(world.said("closed"))
    world.until(over, most=1000)
    return world.said("closed")[0].result


def test_active_stable_and_answering_is_verified() -> None:
    world = world_of()
    assert closed(world) == "closed: success"
    assert world.said("verified")[0].result.endswith("b is active and stable")
    assert (world.said("verified")[0].took_seconds or 0.0) >= 5.0
    assert world.done == ["probe a"]


def test_the_words_of_every_service_that_was_verified_in_a_tick_are_told() -> None:
    world = world_of(stable=0.0, probe=False)
    closed(world)
    assert "a is active and stable; b is active and stable" in world.said("verified")[0].result


@pytest.mark.parametrize("status", [ServiceStatus.FAILED, ServiceStatus.CHANGING])
def test_one_that_is_not_active_in_time_fails_and_says_what_it_is(status: ServiceStatus) -> None:
    world = world_of()
    world.tick()
    world.units["a.service"].status = status
    assert f"a is {status} after 20s" in closed(world)


def test_one_whose_state_nobody_knows_fails_in_the_end() -> None:
    world = world_of()
    world.tick()
    world.units["a.service"].status = ServiceStatus.UNKNOWN
    assert "the state of a is not known after 20s" in closed(world)


def test_one_reading_that_fails_does_not_begin_the_stability_anew() -> None:
    def hiccup() -> None:
        world.units["a.service"].status = ServiceStatus.UNKNOWN if int(world.now) % 3 == 0 else ServiceStatus.ACTIVE
    world = world_of(probe=False)
    assert closed(world, hiccup) == "closed: success"


def test_a_service_that_restarts_all_the_time_is_never_stable() -> None:
    def restart() -> None:
        world.units["a.service"].main_pid += 1
    world = world_of(probe=False, within=20.0)
    assert "a is not stable" in closed(world, restart)


def test_a_service_that_goes_down_and_up_begins_its_stability_anew() -> None:
    world = world_of(probe=False, stable=10.0)
    world.ticks(8)
    world.units["a.service"].status = ServiceStatus.FAILED
    world.ticks(1)
    world.units["a.service"].status = ServiceStatus.ACTIVE
    world.ticks(9)
    assert not world.said("verified")
    assert closed(world) == "closed: success"


def test_a_probe_without_an_answer_is_asked_again_each_second_until_its_time_is_over() -> None:
    world = world_of()
    world.units["a.service"].answers = False
    assert "a does not answer: it did not work (asked " in closed(world)
    assert 5 <= world.done.count("probe a failed") <= 25


def probe_outcomes(world: World) -> list[Note]:
    return [note for note in world.notes if note.action == "probe a"]


def test_all_tries_are_one_act_that_ends_with_how_many_they_were_and_the_last_answer() -> None:
    world = world_of()
    world.units["a.service"].answers = False
    began: list[Intent] = []
    tries: list[Intent] = []
    while not world.said("closed"):
        probes = [intent for intent in world.tick().intents if isinstance(intent.action, Probe)]
        began += [intent for intent in probes if not intent.part_of]
        tries += probes
    (first,), (last,) = began, probe_outcomes(world)
    assert {intent.part_of for intent in tries if intent is not first} == {first.id}
    assert len({intent.id for intent in tries}) == len(tries) == last.tries > 5
    assert (last.intent_id, last.ok) == (first.id, False)
    assert last.result == f"it did not work (asked {len(tries)} times)"
    assert 15 <= (last.took_seconds or 0.0) <= 25


def test_a_try_that_is_under_way_at_the_deadline_does_not_hide_what_the_last_one_found() -> None:
    world = world_of()
    world.units["a.service"].answers = False

    def swallow() -> None:
        if world.now > begun + 12.0:
            world._pending.clear()
    begun = world.now
    assert "a does not answer: it did not work" in closed(world, swallow)


@pytest.mark.parametrize("status", [ServiceStatus.FAILED, ServiceStatus.UNKNOWN])
def test_a_service_that_goes_down_while_it_is_probed_ends_the_act_with_its_last_answer(status: ServiceStatus) -> None:
    world = world_of()
    world.units["a.service"].answers = False
    world.until(lambda: world.done.count("probe a failed") > 2)
    world.units["a.service"].status = status
    closed(world)
    (last,) = probe_outcomes(world)
    assert (last.ok, last.tries) == (False, world.done.count("probe a failed"))
    assert "it did not work" in last.result


def test_a_probe_that_is_given_up_says_why_and_is_not_called_failed() -> None:
    world = world_of()
    world.units["a.service"].answers = False
    world.until(lambda: world.done.count("probe a failed") > 2)
    world.stop()
    (last,) = probe_outcomes(world)
    assert last.ok is None
    assert last.result.startswith("given up, because the daemon stops; until then: it did not work (asked ")


def test_a_service_that_answers_late_is_verified() -> None:
    world = world_of()
    world.units["a.service"].answers = False
    world.ticks(15)
    world.units["a.service"].answers = True
    assert closed(world) == "closed: success"
    (last,) = probe_outcomes(world)
    assert (last.ok, last.tries) == (True, len(world.done))
    assert last.result == f"ok (asked {last.tries} times)"


def test_a_probe_that_never_ends_fails() -> None:
    world = world_of()
    def swallow() -> None:
        world._pending.clear()
    assert "the probe of a does not end" in closed(world, swallow)


def test_what_an_earlier_main_process_answered_does_not_count() -> None:
    world = world_of(stable=2.0)
    world.until(lambda: bool(world._pending))
    world.units["a.service"].main_pid += 1  # the probe is under way to a process that is gone
    assert closed(world) == "closed: success"
    assert world.done.count("probe a") == 2


def test_a_deadline_of_the_step_goes_before_that_of_the_probe() -> None:
    world = world_of(within=3.0)
    world.units["a.service"].answers = False
    begun = world.now
    closed(world)
    assert world.now - begun < 15.0
