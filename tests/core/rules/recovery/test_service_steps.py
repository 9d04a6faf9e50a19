"""Stop, start and restart: requested once, done only when a later state shows it (Law 6)."""

from __future__ import annotations

import pytest

from tests.core.build import NOW, noun, policy, service_state, snapshot, step, tick, when
from tests.core.world import World
from watchdog_oom.core.actions import StartUnit, StopUnit
from watchdog_oom.core.conditions.process import ProcessesAre
from watchdog_oom.core.history import Phase, RecoveryRun
from watchdog_oom.core.model import ServiceStatus
from watchdog_oom.core.nouns import ServiceNoun
from watchdog_oom.core.outcome import EffectReport, Outcome
from watchdog_oom.core.policy import Recover, RecoveryStep, Verb
from watchdog_oom.core.rules.recovery import service_steps
from watchdog_oom.core.rules.recovery.progress import Context, Progress, Status

ACTIVE, INACTIVE, FAILED = ServiceStatus.ACTIVE, ServiceStatus.INACTIVE, ServiceStatus.FAILED
UNKNOWN, CHANGING = ServiceStatus.UNKNOWN, ServiceStatus.CHANGING


def world_of(*steps: RecoveryStep) -> World:
    rules = policy(noun("worker"), ServiceNoun("a", "a.service"), ServiceNoun("b", "b.service"),
                   ServiceNoun("me", "watchdog-oomd.service"),
                   Recover("r", (when(ProcessesAre("worker", count_above=0)),), steps))
    world = World(rules)
    for name in ("a", "b", "watchdog-oomd"):
        world.service(name)
    world.spawn("worker")
    return world


def closed(world: World) -> str:
    world.until(lambda: bool(world.said("closed")), most=1000)
    return world.said("closed")[0].result


def verified(world: World) -> list[str]:
    closed(world)
    return [note.result.removeprefix("verified: ") for note in world.said("verified")]


def run_of(**rest: object) -> RecoveryRun:
    return RecoveryRun("i-1", ("why",), NOW, Phase.STEPS, entered=NOW, since=NOW, **rest)  # type: ignore[arg-type]


def one_tick(
    verb: Verb, run: RecoveryRun, status: ServiceStatus | None, sensed: float = NOW
) -> tuple[RecoveryRun, Progress]:
    states = {} if status is None else {"a": service_state("a.service", status, sensed)}
    rules = policy(ServiceNoun("a", "a.service"))
    asked = step(verb, "a")
    context = Context(tick(snapshot(services=states), rules), Recover("r", (), (asked,)), asked)
    return {Verb.STOP: service_steps.stop, Verb.START: service_steps.start}[verb](context, run)


@pytest.mark.parametrize(("report", "status", "sensed", "expected"), [
    (None, INACTIVE, NOW, Status.WAITING),                       # nothing came back yet
    ((True, "done", NOW), None, NOW, Status.WAITING),            # no state yet
    ((True, "done", NOW), INACTIVE, NOW - 1, Status.WAITING),    # a state from before
    ((True, "done", NOW), INACTIVE, NOW, Status.DONE),
    ((True, "done", NOW), FAILED, NOW, Status.DONE),
    ((True, "done", NOW), ServiceStatus.MISSING, NOW, Status.DONE),
    ((True, "done", NOW), ACTIVE, NOW, Status.WAITING),          # a job result is not success
    ((True, "done", NOW), CHANGING, NOW, Status.WAITING),
    ((False, "no", NOW), ACTIVE, NOW, Status.FAILED),
    ((False, "timed out", NOW), INACTIVE, NOW, Status.DONE),     # and its failure is none where the state is right
])
def test_a_stop_is_done_when_a_later_state_says_so(report: tuple[bool, str, float] | None, status: ServiceStatus | None,
                                                   sensed: float, expected: Status) -> None:
    told = {"i": EffectReport("i", Outcome(*report[:2]), 1.0, report[2])} if report else {}
    run = run_of(asked={"stop a": "i"}, told=told, stopped=("a",))
    run, progress = one_tick(Verb.STOP, run, status, sensed)
    assert progress.status is expected and run.stopped == ("a",)


@pytest.mark.parametrize(("report", "status", "sensed", "expected"), [
    (None, ACTIVE, NOW, Status.WAITING),
    ((True, "done", NOW), None, NOW, Status.WAITING),
    ((True, "done", NOW), ACTIVE, NOW - 1, Status.WAITING),
    ((True, "done", NOW), ACTIVE, NOW, Status.DONE),
    ((False, "late", NOW), ACTIVE, NOW, Status.DONE),
    ((True, "done", NOW), CHANGING, NOW, Status.WAITING),
    ((False, "no", NOW), CHANGING, NOW, Status.WAITING),
    ((True, "done", NOW), INACTIVE, NOW, Status.WAITING),
    ((True, "done", NOW), UNKNOWN, NOW, Status.WAITING),
    ((True, "done", NOW), FAILED, NOW, Status.FAILED),
    ((False, "no", NOW), INACTIVE, NOW, Status.FAILED),
])
def test_a_start_is_done_when_a_later_state_says_so(report: tuple[bool, str, float] | None,
                                                    status: ServiceStatus | None, sensed: float,
                                                    expected: Status) -> None:
    told = {"i": EffectReport("i", Outcome(*report[:2]), 1.0, report[2])} if report else {}
    run = run_of(asked={"start a": "i"}, told=told, stopped=("a",))
    run, progress = one_tick(Verb.START, run, status, sensed)
    assert progress.status is expected
    assert run.stopped == (() if expected is Status.DONE else ("a",))


def test_a_start_does_not_overtake_a_stop_that_is_still_asked_for() -> None:
    run = run_of(asked={"stop a": "i"}, stopped=("a",))
    run, progress = one_tick(Verb.START, run, ACTIVE)
    assert progress.status is Status.WAITING and "start a" not in run.asked


def test_a_start_waits_while_the_service_changes_by_itself() -> None:
    run, progress = one_tick(Verb.START, run_of(stopped=("a",)), CHANGING)
    assert progress.status is Status.WAITING and run.asked == {}


def test_a_start_whose_state_nobody_tells_is_asked_for_after_a_while_all_the_same() -> None:
    run, _ = one_tick(Verb.START, run_of(stopped=("a",)), None)
    assert run.asked == {}
    run, _ = one_tick(Verb.START, RecoveryRun("i", (), NOW, Phase.STEPS, since=NOW - 10.0, stopped=("a",)), None)
    assert "start a" in run.asked


def test_services_stop_one_after_the_other_and_each_is_asked_once() -> None:
    world = world_of(step(Verb.STOP, "a", "b"), step(Verb.START, stopped=True))
    world.units["a.service"].stop_takes = 10.0
    assert verified(world) == ["a is inactive; b is inactive", "active: a, b"]
    assert world.done == ["stop a.service", "stop b.service", "start b.service", "start a.service"]


def test_a_service_that_comes_back_while_others_stop_is_not_called_stopped() -> None:
    world = world_of(step(Verb.STOP, "a", "b", within=10.0), step(Verb.START, stopped=True))
    world.units["b.service"].stop_takes = 5.0
    world.until(lambda: world.status("a") is INACTIVE)
    world.units["a.service"].status = ACTIVE
    assert "stop a, b: not done within 20s" in closed(world)


def test_a_service_that_had_failed_is_not_stopped_but_started() -> None:
    world = world_of(step(Verb.STOP, "a"), step(Verb.START, stopped=True))
    world.units["a.service"].status = FAILED
    assert verified(world) == ["a had failed; it is started with the rest", "active: a"]
    assert world.done == ["start a.service"]


def test_what_was_not_running_is_left_alone_and_said_to_be() -> None:
    world = world_of(step(Verb.STOP, "a"), step(Verb.START, "a", "b"), step(Verb.RESTART, "a"), step(Verb.VERIFY, "a"))
    world.units["a.service"].status = INACTIVE
    assert verified(world) == [
        "a was not running before, left alone", "active: b",
        "restarted nothing; left alone: a was not running before", "a was not running before, nothing to verify"]
    assert world.done == [] and world.status("a") is INACTIVE


def test_what_runs_and_could_not_be_started_again_is_left_alone_and_not_called_down() -> None:
    world = world_of(step(Verb.STOP, "a"), step(Verb.RESTART, "a"), step(Verb.VERIFY, "a"))
    world.units["a.service"].status = ServiceStatus.MISSING
    assert verified(world) == [
        "a could not be started again (masked), left alone",
        "restarted nothing; left alone: a could not be started again (masked)",
        "a could not be started again (masked), nothing to verify"]
    assert world.done == []


@pytest.mark.parametrize(("steps", "expected"), [
    ((step(Verb.STOP, "a", within=300.0), step(Verb.START, stopped=True, within=400.0)), [300.0, 400.0]),
    ((step(Verb.RESTART, "a", within=500.0),), [500.0, 500.0]),
    ((step(Verb.STOP, "a"),), [None, 120.0]),                       # the way back has its own time
    ((step(Verb.STOP, "a"), step(Verb.RUN, argv=("/x",)), step(Verb.START, "a", within=700.0)), [None, 700.0])])
def test_the_time_of_a_step_is_handed_to_who_does_it(steps: tuple[RecoveryStep, ...],
                                                     expected: list[float | None]) -> None:
    world = world_of(*steps)
    world.run_works = False
    given: list[float | None] = []
    while not world.said("closed"):
        given += [intent.action.within_seconds for intent in world.tick().intents
                  if isinstance(intent.action, StopUnit | StartUnit)]
    assert given == expected


def test_the_named_are_started_even_where_this_run_did_not_stop_them() -> None:
    world = world_of(step(Verb.START, "a", "b"))
    world.units["a.service"].status = FAILED
    assert verified(world) == ["active: a, b"]
    assert world.done == ["start a.service"]


def test_nothing_stopped_is_nothing_to_start() -> None:
    assert verified(world_of(step(Verb.START, stopped=True))) == ["nothing had been stopped"]


def test_a_restart_stops_and_starts_each_in_turn() -> None:
    world = world_of(step(Verb.RESTART, "a", "b"))
    assert verified(world) == ["restarted a, b"]
    assert world.done == ["stop a.service", "start a.service", "stop b.service", "start b.service"]


@pytest.mark.parametrize("activates", [None, "a.service"])
def test_a_restart_of_a_service_with_a_socket_does_not_wait_for_the_socket_that_it_has_just_started_to_be_down(
        activates: str | None) -> None:
    rules = policy(noun("worker"), ServiceNoun("a", "a.service", ("a.socket", "a.timer")),
                   Recover("r", (when(ProcessesAre("worker", count_above=0)),), (step(Verb.RESTART, "a"),)))
    world = World(rules)
    for unit in ("a", "a.socket", "a.timer"):
        world.service(unit)
    world.units["a.socket"].activates = activates
    world.spawn("worker")
    assert verified(world) == ["restarted a"]
    assert world.done == ["stop a.socket", "stop a.timer", "stop a.service", "start a.socket", "start a.service",
                          "start a.timer"]
    assert {unit.status for unit in world.units.values()} == {ACTIVE}


@pytest.mark.parametrize("trouble", ["start", "stop"])
def test_a_restart_that_fails_fails_the_run_and_is_made_good_where_it_can_be(trouble: str) -> None:
    world = world_of(step(Verb.RESTART, "a", "b"))
    setattr(world.units["b.service"], trouble, "fails")
    assert "restart a, b: b is" in closed(world)
    assert world.history.recoveries["r"].owed == (("b",) if trouble == "start" else ())


def test_a_start_that_hangs_fails_after_its_time_each_service_having_the_whole_of_it() -> None:
    world = world_of(step(Verb.STOP, "a", "b"), step(Verb.START, "a", "b", within=30.0))
    world.units["a.service"].start_takes = 25.0
    world.units["b.service"].start_takes = 25.0
    assert closed(world).startswith("closed: success")
    world = world_of(step(Verb.STOP, "a", "b"), step(Verb.START, "a", "b", within=30.0))
    world.units["a.service"].start_takes = 40.0
    assert "start a, b: not done within 30s" in closed(world)


def test_the_watchdog_does_not_stop_itself_and_owes_nothing_for_it() -> None:
    world = world_of(step(Verb.STOP, "a", "me"))
    assert "stopping me was refused" in closed(world)
    assert [refusal.reason for refusal in world.refusals] == ["a watchdog does not stop or start itself"]
    assert world.status("a") is ACTIVE and world.history.recoveries["r"].owed == ()


def test_the_watchdog_does_not_start_itself() -> None:
    world = world_of(step(Verb.START, "me"))
    world.units["watchdog-oomd.service"].status = FAILED
    assert "starting me was refused" in closed(world)
