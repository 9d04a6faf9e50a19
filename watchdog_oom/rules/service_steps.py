"""The verbs about services: stop, start, restart, verify. A job's result is only a hint; the next state decides."""

from __future__ import annotations

from dataclasses import replace

from watchdog_oom import words
from watchdog_oom.history import Phase, Run
from watchdog_oom.model import ServiceState, ServiceStatus
from watchdog_oom.policy.types import ServiceNoun
from watchdog_oom.rules.progress import WAITING, Context, Progress, Status, done, failed
from watchdog_oom.steps import Probe, StartUnit, StopUnit

PROBE_PAUSE_SECONDS = 1.0
VERIFY_SECONDS = 60.0
DOWN = (ServiceStatus.INACTIVE, ServiceStatus.FAILED)


def stop(context: Context, run: Run) -> tuple[Run, Progress]:
    """Each in turn, its triggers first; what was down before the incident is not touched and not owed."""
    results: list[str] = []
    for name in context.step.names:
        run, progress = _stop_one(context, run, name)
        if progress.status is not Status.DONE:
            return run, progress
        results.append(progress.words)
    return run, done("; ".join(results))


def start(context: Context, run: Run) -> tuple[Run, Progress]:
    """Each in turn. ``start = "stopped"``: what this run stopped, last stopped first; on the way back one that cannot
    be started does not keep the others down."""
    names = tuple(reversed(run.stopped)) if context.step.stopped else context.step.names
    troubles: list[str] = []
    for name in names:
        if name in run.done:
            continue
        run, progress = _start_one(context, run, name)
        if progress.status is Status.FAILED and run.phase is Phase.COMPENSATE:
            troubles.append(progress.words)
            continue
        if progress.status is not Status.DONE:
            return run, progress
        run = _settle(run, name)
    if troubles:
        return run, failed("; ".join(troubles))
    started = ", ".join(sorted(run.done))
    return run, done(f"active: {started}" if started else "nothing had been stopped")


def restart(context: Context, run: Run) -> tuple[Run, Progress]:
    """Stop and start each in turn, each verified by itself."""
    for name in context.step.names:
        if name in run.done:
            continue
        if f"start {name}" not in run.asked:
            run, progress = _stop_one(context, run, name)
            if progress.status is not Status.DONE:
                return run, progress
        if name in run.stopped:
            run, progress = _start_one(context, run, name)
            if progress.status is not Status.DONE:
                return run, progress
        run = _settle(run, name)
    skipped = [name for name in context.step.names if name in run.down_before]
    note = f"; was not running before, left alone: {', '.join(skipped)}" if skipped else ""
    return run, done(f"restarted {', '.join(n for n in context.step.names if n not in skipped) or 'nothing'}{note}")


def verify(context: Context, run: Run) -> tuple[Run, Progress]:
    """Active, with the same main process for ``stable_for``, and the probe answers."""
    results: list[str] = []
    for name in context.step.names:
        if name in run.done:
            continue
        run, progress = _verify_one(context, run, name)
        if progress.status is not Status.DONE:
            return run, progress
        results.append(progress.words)
        run = replace(run, done=run.done | {name}, active_since=None, active_pid=0, entered=context.turn.now)
    return run, done("; ".join(results) or "verified")


def _stop_one(context: Context, run: Run, name: str) -> tuple[Run, Progress]:
    service = context.turn.view.policy.services[name]
    state = _state(context, name)
    if name in run.down_before and name not in run.stopped:
        return run, done(f"{name} was not running before, left alone")
    if name not in run.stopped:
        run = replace(run, stopped=(*run.stopped, name))
    for trigger in service.triggers:
        if trigger in run.down_before:
            continue
        if trigger not in run.triggers:
            run = replace(run, triggers=(*run.triggers, trigger))
        run, _ = context.ask(run, f"stop {trigger}", StopUnit(trigger, name))
        if context.report(run, f"stop {trigger}") is None:
            return run, WAITING
    if state is not None and state.status is ServiceStatus.FAILED and f"stop {name}" not in run.asked:
        return run, done(f"{name} had failed; it is started with the rest")
    run, allowed = context.ask(run, f"stop {name}", StopUnit(service.unit, name))
    if not allowed:
        return _settle(run, name), failed(f"stopping {name} was refused")
    return run, _stopped_yet(context, run, name, state)


def _stopped_yet(context: Context, run: Run, name: str, state: ServiceState | None) -> Progress:
    report = context.report(run, f"stop {name}")
    if report is None or state is None or state.sensed_boottime < report[2]:
        return WAITING
    if state.status in DOWN or state.status is ServiceStatus.MISSING:
        return done(f"{name} is {state.status}")
    return WAITING if report[0] else failed(f"{name} is still {state.status}: {report[1]}")


def _start_one(context: Context, run: Run, name: str) -> tuple[Run, Progress]:
    service = context.turn.view.policy.services[name]
    state = _state(context, name)
    if name not in run.stopped:
        if state is not None and state.status is ServiceStatus.ACTIVE and f"start {name}" not in run.asked:
            return run, done(f"{name} is active already")
        if name in run.down_before:
            return run, done(f"{name} was not running before, left alone")
    if f"stop {name}" in run.asked and context.report(run, f"stop {name}") is None:
        return run, WAITING  # a start must not overtake the stop that is under way
    run, allowed = context.ask(run, f"start {name}", StartUnit(service.unit, name))
    if not allowed:
        return run, failed(f"starting {name} was refused")
    progress = _started_yet(context, run, name, state)
    return _start_triggers(context, run, service) if progress.status is Status.DONE else (run, progress)


def _started_yet(context: Context, run: Run, name: str, state: ServiceState | None) -> Progress:
    report = context.report(run, f"start {name}")
    if report is None or state is None or state.sensed_boottime < report[2]:
        return WAITING
    if state.status is ServiceStatus.ACTIVE:
        return done(f"{name} is active")
    if state.status is ServiceStatus.CHANGING or (report[0] and state.status is not ServiceStatus.FAILED):
        return WAITING
    return failed(f"{name} is {state.status} after its start: {report[1]}")


def _start_triggers(context: Context, run: Run, service: ServiceNoun) -> tuple[Run, Progress]:
    for trigger in service.triggers:
        if trigger not in run.triggers:
            continue
        run, _ = context.ask(run, f"start {trigger}", StartUnit(trigger, service.name))
        if context.report(run, f"start {trigger}") is None:
            return run, WAITING
        run = replace(run, triggers=tuple(t for t in run.triggers if t != trigger))
    return run, done(f"{service.name} is active")


def _verify_one(context: Context, run: Run, name: str) -> tuple[Run, Progress]:
    service = context.turn.view.policy.services[name]
    state = _state(context, name)
    if name in run.down_before and name not in run.stopped:
        return run, done(f"{name} was not running before, nothing to verify")
    limit = context.step.within_seconds or (service.probe.within_seconds if service.probe else VERIFY_SECONDS)
    expired = context.turn.now - run.entered >= limit + service.stable_for_seconds
    if state is None or state.sensed_boottime < run.entered or state.status is not ServiceStatus.ACTIVE:
        told = state.status if state is not None else "unknown"
        run = replace(run, active_since=None)
        return run, failed(f"{name} is {told} after {words.duration(limit)}") if expired else WAITING
    if run.active_since is None or (state.main_pid and state.main_pid != run.active_pid):
        run = replace(run, active_since=context.turn.now, active_pid=state.main_pid)
    stable = context.turn.now - (run.active_since or context.turn.now) >= service.stable_for_seconds
    if service.probe is None:
        return run, done(f"{name} is active and stable") if stable else _late(expired, f"{name} is not stable")
    return _probe(context, run, name, stable=stable, expired=expired)


def _probe(context: Context, run: Run, name: str, *, stable: bool, expired: bool) -> tuple[Run, Progress]:
    key = f"probe {name}"
    run, _ = context.ask(run, key, Probe(name))
    report = context.report(run, key)
    if report is None:
        return run, _late(expired, f"the probe of {name} does not end")
    ok, told, at = report
    if ok and stable:
        return run, done(f"{name} is active, stable and answers: {told}")
    if not ok and context.turn.now - at >= PROBE_PAUSE_SECONDS:
        run = replace(run, asked={k: v for k, v in run.asked.items() if k != key})
    return run, _late(expired, f"{name} does not answer: {told}")


def _settle(run: Run, name: str) -> Run:
    """The service runs again: the debt is paid."""
    return replace(run, done=run.done | {name}, stopped=tuple(other for other in run.stopped if other != name))


def _late(expired: bool, why: str) -> Progress:
    return failed(why) if expired else WAITING


def _state(context: Context, name: str) -> ServiceState | None:
    return context.turn.view.snapshot.services.get(name)
