"""One run of a recovery: survey, steps, and on any failure the way back, advanced once a tick by snapshots.

Nothing waits inside: each tick a step says whether it is done, failed, or to be asked again. What a run stopped stays
in ``Run.stopped`` until a later snapshot shows it active again, so the debt can be read off at any moment (Law 5).
"""

from __future__ import annotations

from dataclasses import replace

from watchdog_oom.history import Phase, Recovery, Run
from watchdog_oom.model import ServiceStatus
from watchdog_oom.policy.types import Recover, RecoveryStep, Verb
from watchdog_oom.rules import recovery_steps
from watchdog_oom.rules.progress import Context, Progress, Status
from watchdog_oom.turn import Turn

SUCCESS = "success"
SURVEY_SECONDS = 30.0
COMPENSATION = RecoveryStep(Verb.START, stopped=True)


def advance(turn: Turn, recover: Recover, state: Recovery) -> Recovery:
    """The recovery after this tick."""
    if state.run is None:
        return state
    run = _absorb(turn, state.run)
    turn.watch(*_units(turn, recover, run), soon=True)
    match run.phase:
        case Phase.SURVEY:
            run = _survey(turn, recover, run)
        case Phase.STEPS:
            run = _steps(turn, recover, run)
        case Phase.COMPENSATE:
            return _compensate(turn, recover, state, run)
    if run.phase is Phase.STEPS and run.index >= len(recover.steps):
        return _finish(turn, recover, state, run)
    return replace(state, run=run)


def fail(run: Run, why: str, now: float) -> Run:
    """Turn to compensation. What is still asked of the service manager is remembered, so that nothing overtakes it."""
    return replace(run, phase=Phase.COMPENSATE, failure=why, entered=now, done=frozenset())


def _absorb(turn: Turn, run: Run) -> Run:
    asked = set(run.asked.values())
    news = {report.intent_id: (report.ok, report.words, report.boottime)
            for report in turn.view.snapshot.reports if report.intent_id in asked}
    return replace(run, told={**run.told, **news}) if news else run


def services_in_steps(recover: Recover) -> set[str]:
    verbs = (Verb.STOP, Verb.START, Verb.RESTART, Verb.VERIFY)
    return {name for step in recover.steps if step.verb in verbs for name in step.names}


def _units(turn: Turn, recover: Recover, run: Run) -> set[str]:
    """Whose states the run needs: its services, and by unit name the triggers of them."""
    services = services_in_steps(recover) | set(run.stopped)
    return services | {trigger for name in services for trigger in turn.view.policy.services[name].triggers}


def _survey(turn: Turn, recover: Recover, run: Run) -> Run:
    """Learn who is down already: the operator's will, which the recovery respects unless a death explains it."""
    names = _units(turn, recover, run)
    states = {name: turn.view.snapshot.services.get(name) for name in names}
    fresh = {name: s for name, s in states.items() if s is not None and s.sensed_boottime >= run.opened}
    if len(fresh) < len(names):
        if turn.now - run.opened < SURVEY_SECONDS:
            return run
        unknown = ", ".join(sorted(names - set(fresh)))
        return fail(run, f"the service manager does not tell the state of {unknown}", turn.now)
    down = {name for name, s in fresh.items() if s.status is ServiceStatus.INACTIVE} - run.revive - set(run.stopped)
    missing = {name for name, s in fresh.items() if s.status is ServiceStatus.MISSING}
    return replace(run, phase=Phase.STEPS, entered=turn.now, down_before=frozenset(down | missing))


def _steps(turn: Turn, recover: Recover, run: Run) -> Run:
    """Advance through as many steps as are done in this snapshot; a step that has asked for something waits."""
    for earlier in recover.steps[:run.index]:
        if earlier.verb is Verb.FREEZE:
            recovery_steps.keep_frozen(Context(turn, recover, earlier), run)
    while run.index < len(recover.steps):
        step = recover.steps[run.index]
        run, progress = recovery_steps.advance(turn, recover, run, step)
        match progress.status:
            case Status.WAITING:
                return run
            case Status.FAILED:
                return fail(run, f"{step}: {progress.words}", turn.now)
            case Status.DONE:
                _tell(turn, recover, run, step, progress)
                run = replace(run, index=run.index + 1, entered=turn.now, asked={}, told={}, done=frozenset(),
                              active_since=None, active_pid=0)
    return run


def _tell(turn: Turn, recover: Recover, run: Run, step: RecoveryStep, progress: Progress) -> None:
    turn.note(f"recover.{recover.name}", f"verified: {progress.words}", incident=run.incident,
              step=f"{run.index + 1}. {step}", took_seconds=round(turn.now - run.entered, 3))


def _compensate(turn: Turn, recover: Recover, state: Recovery, run: Run) -> Recovery:
    run, progress = recovery_steps.advance(turn, recover, run, COMPENSATION)
    if progress.status is Status.WAITING:
        return replace(state, run=run)
    if progress.status is Status.FAILED:
        run = replace(run, failure=f"{run.failure}; then {progress.words}")
    return _finish(turn, recover, state, run)


def _finish(turn: Turn, recover: Recover, state: Recovery, run: Run) -> Recovery:
    """Close the incident. Services that could not be started stay owed and call for another attempt."""
    result = SUCCESS if run.failure is None else f"failed: {run.failure}"
    back = "" if run.failure is None or run.stopped else "; everything it had stopped runs again"
    owing = f"; still down: {', '.join(run.stopped)}" if run.stopped else ""
    turn.note(f"recover.{recover.name}", f"closed: {result}{back}{owing}", because=run.because, incident=run.incident,
              took_seconds=round(turn.now - run.opened, 3))
    return replace(state, run=None, ended=turn.now, last_result=result, unhelped=state.unhelped + 1, owed=run.stopped)
