"""One run of a recovery: survey, steps, and on any failure compensation, advanced once per tick by snapshots.

Nothing waits: at each tick a step reports that it is done, failed or still waiting. A stopped service stays in
``RecoveryRun.stopped`` until a later snapshot shows it active again, so what is owed is always known (Law 5).
"""

from __future__ import annotations

from watchdog_oom.core.history import Phase, Recovery, RecoveryRun
from watchdog_oom.core.model import ServiceStatus
from watchdog_oom.core.policy import Recover, RecoveryStep, Verb
from watchdog_oom.core.rules.recovery import contain_step, service_steps, steps, verify_step
from watchdog_oom.core.rules.recovery.progress import Context, Progress, Status
from watchdog_oom.core.rules.recovery.unknowable import not_verified
from watchdog_oom.core.tick import Tick
from watchdog_oom.lean_dataclasses import replace
from watchdog_oom.lean_typing import assert_never

SUCCESS = "success"
SURVEY_SECONDS = 30.0
CHANGING_SECONDS = 10.0
COMPENSATION = RecoveryStep(Verb.START, stopped=True)


def advance(tick: Tick, recover: Recover, state: Recovery) -> Recovery:
    """The recovery after this tick."""
    if state.run is None:
        return state
    run = _absorb(tick, state.run)
    if run.phase is not Phase.COMPENSATE and run.steps != recover.steps:
        run = fail(run, "its policy was changed", tick.now)
    context = Context(tick, recover, COMPENSATION)
    tick.watch(*map(context.watched_as, _units(context, run)), often=True)
    match run.phase:
        case Phase.SURVEY:
            return replace(state, run=_survey(tick, recover, run))
        case Phase.STEPS:
            run = _steps(tick, recover, run)
            return replace(state, run=run) if run.phase is Phase.STEPS else _compensate(tick, recover, state, run)
        case Phase.COMPENSATE:
            return _compensate(tick, recover, state, run)
        case _:
            assert_never(run.phase)


def fail(run: RecoveryRun, why: str | None, now: float) -> RecoveryRun:
    """Switch to compensation. Pending requests to the service manager are kept, so that nothing overtakes them."""
    return replace(run, phase=Phase.COMPENSATE, failure=why, entered=now, since=now, done=frozenset())


def with_units(tick: Tick, recover: Recover, state: Recovery) -> Recovery:
    """The recovery with the units of what it owes, as they are to be saved before anything is stopped."""
    context = Context(tick, recover, COMPENSATION)
    services = map(context.service, state.stopped)
    units = {service.name: (service.unit, *service.triggers) for service in services}
    return state if units == state.units else replace(state, units=units)


def _absorb(tick: Tick, run: RecoveryRun) -> RecoveryRun:
    asked = set(run.asked.values())
    news = {report.intent_id: report for report in tick.view.snapshot.reports if report.intent_id in asked}
    return replace(run, told={**run.told, **news}) if news else run


def services_in_steps(recover: Recover) -> set[str]:
    verbs = (Verb.STOP, Verb.START, Verb.RESTART, Verb.VERIFY)
    return {name for step in recover.steps if step.verb in verbs for name in step.names}


def _units(context: Context, run: RecoveryRun) -> set[str]:
    """The services whose states the run needs, and their triggers by unit name."""
    services = services_in_steps(context.recover) | set(run.stopped)
    return services | {trigger for name in services for trigger in context.service(name).triggers}


def _survey(tick: Tick, recover: Recover, run: RecoveryRun) -> RecoveryRun:
    """Learn which services are down already: the operator's decision, respected unless a death explains it."""
    context = Context(tick, recover, COMPENSATION)
    names = _units(context, run)
    states = {name: context.state(name) for name in names}
    fresh = {name: s for name, s in states.items() if s is not None and s.sensed_boottime >= run.opened}
    waited = tick.now - run.opened
    if len(fresh) < len(names):
        unknown = ", ".join(sorted(names - set(fresh)))
        late = waited >= SURVEY_SECONDS
        return fail(run, f"the service manager does not report the state of {unknown}", tick.now) if late else run
    if waited < CHANGING_SECONDS and any(s.status is ServiceStatus.CHANGING for s in fresh.values()):
        return run  # the operator may be stopping it right now
    down = {name for name, s in fresh.items() if s.status is ServiceStatus.INACTIVE} - run.revive
    down -= {*run.stopped, *run.triggers}
    missing = {name for name, s in fresh.items() if s.status is ServiceStatus.MISSING}
    return replace(run, phase=Phase.STEPS, entered=tick.now, since=tick.now, down_before=frozenset(down | missing))


def _steps(tick: Tick, recover: Recover, run: RecoveryRun) -> RecoveryRun:
    """Advance through all steps that are done in this snapshot; a step that has requested something waits. After the
    last one, stopped services that no step started are started as well."""
    for earlier in recover.steps[:run.index]:
        if earlier.verb is Verb.FREEZE:
            steps.keep_frozen(Context(tick, recover, earlier), run)
        if earlier.verb is Verb.CONTAIN:
            contain_step.keep(Context(tick, recover, earlier), run)
    while run.index < len(recover.steps):
        step = recover.steps[run.index]
        run, progress = steps.advance(tick, recover, run, step)
        match progress.status:
            case Status.WAITING:
                return run
            case Status.FAILED:
                return fail(run, f"{step}: {progress.words}", tick.now)
            case Status.DONE:
                _tell(tick, recover, run, step, progress)
                run = replace(run, index=run.index + 1, entered=tick.now, since=tick.now, asked={}, told={},
                              done=frozenset(), active_since=None, active_pid=0)
    return fail(run, None, tick.now)


def _tell(tick: Tick, recover: Recover, run: RecoveryRun, step: RecoveryStep, progress: Progress) -> None:
    unproved = not_verified(Context(tick, recover, step), run)
    result = f"done, but not verified: {progress.words}; {unproved}" if unproved else f"verified: {progress.words}"
    tick.note(f"recover.{recover.name}", result, incident=run.incident, action=f"{run.index + 1}. {step}",
              took_seconds=round(tick.now - run.entered, 3), ok=None if unproved else True)


def _compensate(tick: Tick, recover: Recover, state: Recovery, run: RecoveryRun) -> Recovery:
    context = Context(tick, recover, COMPENSATION)
    run = verify_step.end_probing(context, run, ok=None, why=run.failure or "nothing needs it any more")
    run, progress = service_steps.start_all_owed(context, run)
    return replace(state, run=run) if progress.status is Status.WAITING else _finish(tick, recover, state, run)


def _finish(tick: Tick, recover: Recover, state: Recovery, run: RecoveryRun) -> Recovery:
    """Close the incident. Services that could not be started stay owed and cause another attempt."""
    result = SUCCESS if run.failure is None else f"failed: {run.failure}"
    back = "" if run.failure is None or run.stopped else "; everything it had stopped runs again"
    owing = f"; still down: {', '.join(run.stopped)}" if run.stopped else ""
    tick.note(f"recover.{recover.name}", f"closed: {result}{back}{owing}", because=run.because, incident=run.incident,
              took_seconds=round(tick.now - run.opened, 3), ok=run.failure is None and not run.stopped)
    futile = recover.only_purges and run.cleared == 0 and run.failure is None  # no attempt that failed
    started = state.started[:-1] if futile else state.started
    return replace(state, run=None, started=started, ended=tick.now, last_result=result,
                   unhelped=state.unhelped + 1, owed=run.stopped, owed_triggers=run.triggers)
