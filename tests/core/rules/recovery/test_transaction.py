"""What a run stopped it starts (Law 5): on success, on every failure, on shutdown, after a crash, at every moment."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.build import noun, policy, step, when
from tests.core.world import Spool, World
from tests.examples import at_most, every
from watchdog_oom.core.conditions.process import ProcessesAre
from watchdog_oom.core.history import Phase
from watchdog_oom.core.model import ServiceStatus
from watchdog_oom.core.nouns import ServiceNoun, SpoolNoun, TcpProbe
from watchdog_oom.core.outcome import EffectReport, Outcome
from watchdog_oom.core.policy import Emergency, Policy, Recover, RecoveryStep, Verb

STEPS = (step(Verb.STOP, "front", "back"), step(Verb.KILL, "worker"), step(Verb.PURGE, "spool"),
         step(Verb.RUN, argv=("/bin/true",)), step(Verb.WAIT, within=2.0), step(Verb.START, stopped=True),
         step(Verb.VERIFY, "front"))
UNITS = ("front", "back", "front.socket")
ACTIVE, INACTIVE = ServiceStatus.ACTIVE, ServiceStatus.INACTIVE


def rules_of(steps: tuple[RecoveryStep, ...] = STEPS, **rest: object) -> Policy:
    return policy(
        noun("worker"), SpoolNoun("spool", "/spool", ("*",), 60.0),
        ServiceNoun("front", "front.service", ("front.socket",), 2.0, TcpProbe("127.0.0.1", 1, within_seconds=10.0)),
        ServiceNoun("back", "back.service"),
        Recover("r", (when(ProcessesAre("worker", runtime_above=100.0)),), steps, **rest))  # type: ignore[arg-type]


def host(steps: tuple[RecoveryStep, ...] = STEPS, **rest: object) -> World:
    world = World(rules_of(steps, **rest))
    for name in UNITS:
        world.service(name)
    world.units["front.socket"].activates = "front.service"
    world.spools["spool"] = Spool(100, 90)
    world.spawn("worker", age=1000.0)
    return world


def all_up(world: World) -> bool:
    return all(world.status(name) is ACTIVE for name in UNITS)


def closed(world: World) -> str:
    world.until(lambda: bool(world.said("closed:")), most=3000)
    return world.said("closed:")[-1].result


def break_nothing(world: World) -> None: ...
def break_stop(world: World) -> None: world.units["back.service"].stop = "fails"
def break_stop_silently(world: World) -> None: world.units["back.service"].stop = "lies"
def hang_stop(world: World) -> None: world.units["back.service"].stop_takes = 300.0
def slow_stop(world: World) -> None: world.units["back.service"].stop_takes = 100.0
def break_trigger_stop(world: World) -> None: world.units["front.socket"].stop = "fails"
def respawn(world: World) -> None: next(iter(world.procs.values())).supervised = True
def break_purge(world: World) -> None: world.spools["spool"].purge = "fails"
def refuse_spool(world: World) -> None: world.spools["spool"].problem = "it is a symlink"
def break_run(world: World) -> None: world.run_works = False
def mute_probe(world: World) -> None: world.units["front.service"].answers = False
def out_of_reach(world: World) -> None: next(iter(world.procs.values())).out_of_reach = True


TROUBLES = [break_nothing, break_stop, break_stop_silently, slow_stop, break_trigger_stop, respawn, break_purge,
            refuse_spool, break_run, mute_probe, out_of_reach]


@pytest.mark.parametrize("trouble", [*TROUBLES, hang_stop])
def test_whatever_fails_everything_it_stopped_runs_again(trouble: object) -> None:
    world = host()
    trouble(world)  # type: ignore[operator]
    result = closed(world)
    assert result.startswith("closed: success") is (trouble in (break_nothing, slow_stop))
    assert all_up(world) and world.trouble == []
    assert world.history.recoveries["r"].owed == ()


@pytest.mark.parametrize(("trouble", "words"), [
    (break_stop, "stop front, back: back is still active: it did not work"),
    (break_stop_silently, "stop front, back: not done within 4min"),
    (break_trigger_stop, "stop front, back: front.socket is still active"),
    (respawn, "kill worker: not done within 1min"),
    (break_purge, "purge spool: it did not work"),
    (refuse_spool, "purge spool: the purge of spool was refused"),
    (break_run, "run /bin/true: it did not work"),
    (mute_probe, "verify front: front does not answer"),
    (out_of_reach, "kill worker: not done within 1min"),
])
def test_the_reason_of_a_failure_is_told_with_the_step(trouble: object, words: str) -> None:
    world = host()
    trouble(world)  # type: ignore[operator]
    assert words in closed(world)
    assert "everything it had stopped runs again" in closed(world)


def test_the_way_back_starts_in_reverse_order_and_a_socket_before_its_service() -> None:
    world = host()
    world.run_works = False
    closed(world)
    assert [what for what in world.done if what.startswith("start")] == [
        "start back.service", "start front.socket", "start front.service"]


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("moments", every(range(1, 40), 6))
def test_a_shutdown_at_any_moment_ends_with_everything_running_and_finished(trouble: object, moments: range) -> None:
    for moment in moments:
        world = host()
        trouble(world)  # type: ignore[operator]
        world.ticks(moment)
        world.stop()
        world.ticks(5)
        assert all_up(world), f"stopped after {moment} ticks"
        assert world.trouble == []


def test_a_shutdown_begins_no_new_run() -> None:
    world = host()
    world.history = replace(world.history, stopping=True)
    world.ticks(5)
    assert world.history.finished and world.notes == [] and world.done == [] and world.sent == []


@pytest.mark.parametrize("trouble", [break_nothing, slow_stop, break_purge])
@pytest.mark.parametrize("moments", every(range(1, 40, 2), 5))
def test_a_crash_of_the_daemon_at_any_moment_is_followed_by_a_start_of_what_was_stopped(
        trouble: object, moments: range) -> None:
    for moment in moments:
        world = host()
        trouble(world)  # type: ignore[operator]
        world.ticks(moment)
        world.crash()
        world.procs.clear()
        world.ticks(130, 2.0)
        assert all_up(world), f"crashed after {moment} ticks"


@pytest.mark.parametrize("acts", [-1, 0, 1, 2])
@pytest.mark.parametrize("trouble", [break_nothing, break_stop, break_run])
@pytest.mark.parametrize("moments", every(range(1, 20), 4))
def test_a_kill_between_the_save_and_any_act_of_a_tick_leaves_nothing_down(
        trouble: object, acts: int, moments: range) -> None:
    """-1: nothing of this tick was saved or done; else it was saved, and so many of its acts were done."""
    for moment in moments:
        world = host()
        trouble(world)  # type: ignore[operator]
        world.ticks(moment)
        world.tick(killed_after=acts)
        world.tick(killed_after=acts)  # and the next life as well
        world.procs.clear()
        world.ticks(60, 3.0)
        assert all_up(world), f"killed after {moment} ticks and {acts} acts"
        assert world.trouble == [] and world.spools["spool"].trash == 0


def test_a_debt_outlives_its_service_and_its_recovery_in_the_policy() -> None:
    world = host()
    world.until(lambda: world.status("front") is INACTIVE and world.status("back") is INACTIVE)
    world.policy = policy(ServiceNoun("other", "other.service"))
    world.crash()
    world.until(lambda: all_up(world), most=60)


def test_a_debt_is_of_the_unit_that_was_stopped_whatever_the_policy_names_now() -> None:
    world = host()
    world.service("front2", status=INACTIVE)
    world.until(lambda: world.status("front") is INACTIVE)
    now = replace(world.policy.services["front"], unit="front2.service", triggers=())
    world.policy = replace(world.policy, services={**world.policy.services, "front": now})
    world.crash()
    world.until(lambda: all_up(world), most=60)
    assert world.status("front2") is INACTIVE


@pytest.mark.parametrize("first", [step(Verb.STOP, "front"), step(Verb.PURGE, "spool"), step(Verb.RESTART, "back")])
def test_nothing_is_stopped_or_purged_in_the_seconds_of_an_emergency_when_nothing_is_saved(first: RecoveryStep) -> None:
    world = host((first, step(Verb.START, stopped=True)))
    world.policy = replace(world.policy, emergency=Emergency())
    world.spawn("hog", rss_mib=900)
    world.swap_used_mib = 512
    world.tick()
    assert world.history.emergency is not None and world.sent
    for _ in range(10):
        hog = world.spawn("hog", rss_mib=900)
        world.until(lambda hog=hog: not world.alive(hog), most=9, seconds=0.5)  # type: ignore[misc]
    assert not [what for what in world.done if what.startswith(("stop", "purge"))] and not world.spools["spool"].trash
    world.swap_used_mib = 0
    world.until(lambda: bool(world.said("closed: success")), most=60)


OUTCOMES = st.sampled_from(["ok", "ok", "fails", "lies"])
SECONDS = st.floats(0.1, 150.0)
BEHAVIOUR = st.fixed_dictionaries({
    "status": st.sampled_from([ACTIVE, ACTIVE, INACTIVE, ServiceStatus.FAILED]), "start": OUTCOMES, "stop": OUTCOMES,
    "start_takes": SECONDS, "stop_takes": SECONDS, "answers": st.booleans()})


@settings(max_examples=at_most(60), deadline=None)
@given(units=st.tuples(BEHAVIOUR, BEHAVIOUR, BEHAVIOUR), moment=st.integers(0, 500),
       end=st.sampled_from(["stop", "crash"]), acts=st.integers(-1, 3), stale=st.booleans(),
       pace=st.sampled_from([0.3, 1.0, 7.0]))
def test_what_was_active_is_active_again_or_owed_and_visible_and_what_was_not_is_not_started(
        units: tuple[dict[str, object], ...], moment: int, end: str, acts: int, stale: bool, pace: float) -> None:
    world = host()
    world.stale_states = stale
    world.units["front.socket"].activates = None
    for name, behaviour in zip(UNITS, units, strict=True):
        for key, value in behaviour.items():
            setattr(world.units[name if "." in name else f"{name}.service"], key, value)
    before = {name: world.status(name) for name in UNITS}
    world.ticks(moment, pace)
    if end == "stop":
        world.stop()
    else:
        world.tick(pace, killed_after=acts)
        world.procs.clear()
        world.ticks(150, 3.0)
    state = world.history.recoveries["r"]
    owed = {*state.owed, *state.owed_triggers, *(state.run.stopped if state.run else ()),
            *(state.run.triggers if state.run else ())}
    for name in UNITS:
        if before[name] is ACTIVE and name not in owed:
            world.until(lambda name=name: world.status(name) is ACTIVE, most=200)  # type: ignore[misc]
        if before[name] is INACTIVE:
            assert world.status(name) is INACTIVE
    if owed and end == "stop":
        assert any("still down" in note.result for note in world.notes)
    if end == "stop":
        assert world.trouble == []


@settings(max_examples=at_most(15), deadline=None)
@given(units=st.tuples(BEHAVIOUR, BEHAVIOUR, BEHAVIOUR), mended_at=st.integers(1, 600))
def test_a_debt_is_paid_in_the_end_once_the_services_can_start(units: tuple[dict[str, object], ...],
                                                               mended_at: int) -> None:
    world = host(cooldown_seconds=60.0, attempts=2, per_seconds=1800.0)
    for name, behaviour in zip(UNITS, units, strict=True):
        unit = world.units[name if "." in name else f"{name}.service"]
        for key, value in behaviour.items():
            setattr(unit, key, value)
        unit.status = ACTIVE
    world.ticks(mended_at)
    for unit in world.units.values():
        unit.start = unit.stop = "ok"  # a socket comes back only where its service can be stopped
    world.procs.clear()
    world.until(lambda: all_up(world) and not world.running("r") and not world.history.recoveries["r"].owed,
                most=2000, seconds=5.0)


def test_one_service_whose_start_hangs_keeps_no_other_down() -> None:
    world = host()
    world.units["back.service"].start = "hangs"
    world.run_works = False
    assert "back is not active after 2min" in closed(world)
    assert world.status("front") is ACTIVE and world.status("front.socket") is ACTIVE
    assert world.history.recoveries["r"].owed == ("back",)


def test_one_service_whose_start_fails_keeps_no_other_down() -> None:
    world = host()
    world.units["back.service"].start = "fails"
    world.run_works = False
    assert "then back is failed after its start: it did not work; still down: back" in closed(world)
    assert world.status("front") is ACTIVE and world.status("front.socket") is ACTIVE


def test_a_service_and_its_trigger_have_each_their_own_time_to_start() -> None:
    world = host()
    world.units["front.service"].start_takes = world.units["front.socket"].start_takes = 100.0
    world.run_works = False
    assert "still down" not in closed(world)


def test_one_that_was_passed_over_and_comes_up_meanwhile_is_owed_no_more() -> None:
    world = host()
    world.units["back.service"].start_takes = 125.0
    world.units["front.socket"].activates = None
    world.units["front.service"].start_takes = 30.0
    world.run_works = False
    assert "still down" not in closed(world)
    assert all_up(world)


def test_the_way_back_takes_as_long_for_a_service_as_the_policy_gives_its_start() -> None:
    steps = (step(Verb.STOP, "back"), step(Verb.RUN, argv=("/bin/false",)),
             step(Verb.START, stopped=True, within=600.0))
    world = host(steps)
    world.units["back.service"].start_takes = 500.0
    world.run_works = False
    assert "still down" not in closed(world)


def test_a_trigger_that_cannot_be_started_again_is_owed_with_its_service() -> None:
    world = host(cooldown_seconds=60.0)
    world.units["front.socket"].start = "fails"
    assert "front.socket is failed after its start" in closed(world)
    state = world.history.recoveries["r"]
    assert state.owed == ("front",) and state.owed_triggers == ("front.socket",)
    world.units["front.socket"].start = "ok"
    world.until(lambda: all_up(world), most=300)


def test_a_trigger_that_was_down_before_is_neither_stopped_nor_started() -> None:
    world = host()
    world.units["front.socket"].status = INACTIVE
    closed(world)
    assert not any("socket" in what for what in world.done)
    assert world.status("front.socket") is INACTIVE


def test_steps_that_forget_to_start_what_they_stopped_do_not_leave_it_down() -> None:
    world = host((step(Verb.STOP, "front", "back"), step(Verb.KILL, "worker")))
    assert closed(world).startswith("closed: success")
    assert all_up(world)
    assert "still down" not in closed(world)


def test_a_full_run_over_a_debt_takes_the_debt_along() -> None:
    world = host(cooldown_seconds=30.0)
    world.units["front.service"].start = "fails"
    closed(world)
    world.units["front.service"].start = "ok"
    world.spawn("worker", age=1000.0)
    world.until(lambda: bool(world.said("closed: success")))
    assert all_up(world)


def test_what_an_earlier_run_left_down_is_not_taken_for_the_operators_will() -> None:
    twice = (step(Verb.STOP, "front"), step(Verb.START, stopped=True))
    world = host((*twice, *twice, step(Verb.VERIFY, "front")), cooldown_seconds=30.0)
    world.units["front.service"].start = "fails"
    closed(world)
    world.units["front.service"].start = "ok"
    world.units["front.service"].status = INACTIVE  # an init script cannot tell failed from stopped
    world.done.clear()
    world.until(lambda: bool(world.said("closed: success")))
    assert world.done.count("stop front.socket") == 2
    assert "front is active, stable and answers" in world.said("verified")[-1].result


def test_the_deadline_of_a_shutdown_is_its_own() -> None:
    """A stop that was under way for long when the daemon is stopped is waited for, and only then comes the start."""
    world = host()
    world.units["back.service"].stop_takes = 110.0
    world.until(lambda: world.status("back") is ServiceStatus.CHANGING)
    world.ticks(60)
    run = world.history.recoveries["r"].run
    assert run is not None and run.phase is Phase.STEPS
    world.stop()
    assert all_up(world) and world.trouble == []


def test_the_stages_are_told_with_the_time_they_took() -> None:
    world = host()
    world.units["back.service"].start_takes = 20.0
    world.units["front.socket"].activates = None
    world.units["front.service"].start_takes = 20.0
    closed(world)
    took = {note.action: note.took_seconds for note in world.said("verified:")}
    assert 40.0 <= (took["6. start what was stopped"] or 0.0) < 50.0
    assert took["5. wait 2s"] == 2.0


def test_reports_of_other_rules_do_not_count() -> None:
    world = host()
    world.tick()
    world._reports.append(EffectReport("i-1.999", Outcome(False, "somebody else's"), 0.0, world.now))
    assert closed(world).startswith("closed: success")


def test_a_socket_whose_service_still_runs_comes_back_by_way_of_a_stop_of_the_service() -> None:
    world = host()
    world.until(lambda: world.status("front.socket") is not ACTIVE)
    assert world.status("front") is ACTIVE, "the run turns back between the two stops"
    world.stop()
    world.until(lambda: world.history.finished, most=400)
    assert all_up(world)
