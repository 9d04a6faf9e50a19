"""Processes that survive a stop are ended as part of it, unless guard refuses; and units have their own deadlines."""

from __future__ import annotations

import pytest

from tests.core.build import NOW, policy, proc, service_state, snapshot, step, tick
from watchdog_oom.core.actions import Signal, SignalName
from watchdog_oom.core.history import Phase, RecoveryRun
from watchdog_oom.core.model import Process, ServiceState, ServiceStatus
from watchdog_oom.core.nouns import ServiceNoun
from watchdog_oom.core.outcome import EffectReport, Outcome
from watchdog_oom.core.policy import Recover, Verb
from watchdog_oom.core.rules.recovery import service_steps, steps
from watchdog_oom.core.rules.recovery.progress import Context, Progress, Status
from watchdog_oom.core.tick import Tick

DOWN = ServiceStatus.INACTIVE


def run_of(**rest: object) -> RecoveryRun:
    return RecoveryRun("i-1", ("why",), NOW, Phase.STEPS, entered=NOW, since=NOW, **rest)  # type: ignore[arg-type]


def stopped(*processes: Process, status: ServiceStatus = DOWN, survivors: tuple[int, ...], sensed: float = NOW,
            told_at: float = NOW, asked: bool = True) -> tuple[Tick, Progress]:
    state = service_state("a.service", status, sensed, survivors=survivors)
    now = tick(snapshot(*processes, services={"a": state}), policy(ServiceNoun("a", "a.service")))
    asks = step(Verb.STOP, "a")
    run = run_of()
    if asked:
        report = EffectReport("i", Outcome(True, "stop done"), 1.0, told_at)
        run = run_of(asked={"stop a": "i"}, told={"i": report}, stopped=("a",))
    _, progress = service_steps.stop(Context(now, Recover("r", (), (asks,)), asks), run)
    return now, progress


def signals(tick: Tick) -> list[tuple[SignalName, int]]:
    return [(intent.action.signal, intent.action.target.pid) for intent in tick.result()[0].intents
            if isinstance(intent.action, Signal)]


def test_a_stop_is_done_only_when_the_control_group_is_empty() -> None:
    now, progress = stopped(proc(41, "worker"), proc(42, "worker"), survivors=(41, 42))
    assert progress.status is Status.WAITING
    assert signals(now) == [(SignalName.TERM, 41), (SignalName.TERM, 42)]
    assert now.result()[0].intents[0].because == ("worker[41] outlived the stop of a", "why")
    now, progress = stopped(proc(41, "worker"), survivors=())
    assert (progress.status, progress.words, signals(now)) == (Status.DONE, "a is inactive", [])


def test_a_unit_that_had_failed_leaves_nobody_either() -> None:
    now, progress = stopped(proc(41, "worker"), status=ServiceStatus.FAILED, survivors=(41,), asked=False)
    assert (progress.status, signals(now)) == (Status.WAITING, [(SignalName.TERM, 41)])
    _, progress = stopped(status=ServiceStatus.FAILED, survivors=(), asked=False)
    assert progress.words == "a had failed; it is started with the rest"


@pytest.mark.parametrize("other", [(), (proc(41, "innocent", age=1.0),), (proc(41, "gone", state="Z"),)])
def test_a_pid_that_is_gone_or_another_processs_by_now_is_not_signalled(other: tuple[Process, ...]) -> None:
    """The state is 5 s old; a process that began since then cannot be the one it reports."""
    now, progress = stopped(*other, survivors=(41,), sensed=NOW - 5.0, told_at=NOW - 6.0)
    assert (progress.status, signals(now)) == (Status.WAITING, [])


def test_of_one_whom_no_noun_matches_is_first_asked_what_guard_must_know() -> None:
    now, progress = stopped(proc(41, "worker", oom_score_adj=None), survivors=(41,))
    assert (progress.status, signals(now)) == (Status.WAITING, [])
    assert now.result()[0].watch.processes == {41}


def test_who_may_not_be_ended_is_told_and_passed_over() -> None:
    kept = proc(41, "sshd", exe="/usr/sbin/sshd")
    now, progress = stopped(kept, proc(42, "locked", oom_score_adj=-1000), survivors=(41, 42))
    assert progress.status is Status.DONE
    assert progress.words == ("a is inactive; still running: sshd[41]: it is sshd, "
                              "locked[42]: its oom_score_adj is -1000")
    assert signals(now) == []


@pytest.mark.parametrize(("verb", "given", "after", "status"), [
    (Verb.STOP, None, 120.0, Status.WAITING), (Verb.STOP, None, 915.0, Status.FAILED),
    (Verb.STOP, 60.0, 60.0, Status.FAILED), (Verb.RESTART, None, 1019.0, Status.WAITING),
    (Verb.RESTART, None, 1020.0, Status.FAILED), (Verb.START, None, 119.0, Status.WAITING),
    (Verb.START, None, 120.0, Status.FAILED)])
def test_a_step_without_a_deadline_leaves_a_unit_the_time_it_says_it_needs(verb: Verb, given: float | None,
                                                                          after: float, status: Status) -> None:
    state = ServiceState("a.service", ServiceStatus.CHANGING, NOW + after, stop_seconds=915.0, start_seconds=105.0)
    rules = policy(ServiceNoun("a", "a.service"))
    asks = step(verb, "a", within=given)
    now = tick(snapshot(at=NOW + after, services={"a": state}), rules)
    run = run_of(asked={"stop a": "i", "start a": "j"}, stopped=("a",))
    _, progress = steps.advance(now, Recover("r", (), (asks,)), run, asks)
    assert progress.status is status
