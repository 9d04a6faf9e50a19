"""The verbs about services: stop, start, restart, verify. A job's result is only a hint; the next state decides."""

from __future__ import annotations

from dataclasses import replace

from watchdog_oom import words
from watchdog_oom.history import Run
from watchdog_oom.model import ServiceStatus
from watchdog_oom.policy.types import Verb
from watchdog_oom.rules.progress import WAITING, Context, Progress, Status, done, failed
from watchdog_oom.steps import Probe, StartUnit, StopUnit

START_SECONDS = 120.0
STATE_SECONDS = 10.0
PROBE_PAUSE_SECONDS = 1.0
VERIFY_SECONDS = 60.0
DOWN = (ServiceStatus.INACTIVE, ServiceStatus.FAILED, ServiceStatus.MISSING)


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
    """Each in turn; ``start = "stopped"``: what this run stopped, last stopped first."""
    names = tuple(reversed(run.stopped)) if context.step.stopped else context.step.names
    for name in names:
        if name in run.done:
            continue
        run, progress = _start_one(context, run, name)
        if progress.status is not Status.DONE:
            return run, progress
        run = _settle(context, run, name)
    started = ", ".join(sorted(run.done - run.down_before))
    return run, done(f"active: {started}" if started else "nothing had been stopped")


def start_all_owed(context: Context, run: Run) -> tuple[Run, Progress]:
    """The way back: what this run stopped, last stopped first. One that cannot be started keeps no other down (Law 5):
    when its time is over it stays owed, and the next has its turn."""
    limit = max([START_SECONDS, *(step.within_seconds or 0.0 for step in context.recover.steps
                                  if step.verb in (Verb.START, Verb.RESTART))])
    for name in reversed(run.stopped):
        run, progress = _start_one(context, run, name)
        if progress.status is Status.DONE:
            run = _settle(context, run, name)
        elif name in run.done:
            continue
        elif progress.status is Status.FAILED:
            run = _pass_over(context, run, name, progress.words)
        elif context.turn.now - run.since >= limit:
            run = _pass_over(context, run, name, f"{name} is not active after {words.duration(limit)}")
        else:
            return run, WAITING
    return run, done("")


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
        run = _settle(context, run, name)
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
        run = replace(run, done=run.done | {name}, active_since=None, active_pid=0, since=context.turn.now)
    return run, done("; ".join(results) or "verified")


def _stop_one(context: Context, run: Run, name: str) -> tuple[Run, Progress]:
    if name in run.down_before and name not in run.stopped:
        return run, done(f"{name} was not running before, left alone")
    if name not in run.stopped:
        run = replace(run, stopped=(*run.stopped, name))
    service = context.service(name)
    for trigger in service.triggers:
        if trigger in run.down_before and trigger not in run.triggers:
            continue
        if trigger not in run.triggers:
            run = replace(run, triggers=(*run.triggers, trigger))
        run, _ = context.ask(run, f"stop {trigger}", StopUnit(trigger, name))
        progress = _down_yet(context, run, trigger)
        if progress.status is not Status.DONE:
            return run, progress
    state = context.state(name)
    if state is not None and state.status is ServiceStatus.FAILED and f"stop {name}" not in run.asked:
        return run, done(f"{name} had failed; it is started with the rest")
    run, allowed = context.ask(run, f"stop {name}", StopUnit(service.unit, name))
    if not allowed:
        return _settle(context, run, name), failed(f"stopping {name} was refused")
    return run, _down_yet(context, run, name)


def _down_yet(context: Context, run: Run, name: str) -> Progress:
    report, state = context.report(run, f"stop {name}"), context.state(name)
    if report is None or state is None or state.sensed_boottime < report[2]:
        return WAITING
    if state.status in DOWN:
        return done(f"{name} is {state.status}")
    return WAITING if report[0] else failed(f"{name} is still {state.status}: {report[1]}")


def _start_one(context: Context, run: Run, name: str) -> tuple[Run, Progress]:
    """The service, and once it is active its triggers: until they are, it is owed as well."""
    state = context.state(name)
    if name not in run.stopped:
        if state is not None and state.status is ServiceStatus.ACTIVE and f"start {name}" not in run.asked:
            return run, done(f"{name} is active already")
        if name in run.down_before:
            return run, done(f"{name} was not running before, left alone")
    service = context.service(name)
    for unit in (name, *service.triggers):
        if unit != name and unit not in run.triggers:
            continue
        if f"start {unit}" not in run.asked:
            if _stop_under_way(context, run, unit):
                return run, WAITING
            if unit != name:
                run = replace(run, since=context.turn.now)  # the trigger has its own time
        run, allowed = context.ask(run, f"start {unit}", StartUnit(service.unit if unit == name else unit, name))
        progress = _up_yet(context, run, unit) if allowed else failed(f"starting {unit} was refused")
        if progress.status is not Status.DONE:
            return run, progress
        run = replace(run, triggers=tuple(trigger for trigger in run.triggers if trigger != unit))
    return run, done(f"{name} is active")


def _stop_under_way(context: Context, run: Run, unit: str) -> bool:
    """A start must not overtake the stop that this run, or one before a crash, has asked for."""
    if f"stop {unit}" in run.asked and context.report(run, f"stop {unit}") is None:
        return True
    state = context.state(unit)
    if state is None:
        return context.turn.now - run.since < STATE_SECONDS
    return state.status is ServiceStatus.CHANGING


def _up_yet(context: Context, run: Run, name: str) -> Progress:
    report, state = context.report(run, f"start {name}"), context.state(name)
    if report is None or state is None or state.sensed_boottime < report[2]:
        return WAITING
    if state.status is ServiceStatus.ACTIVE:
        return done(f"{name} is active")
    if state.status is ServiceStatus.CHANGING or (report[0] and state.status is not ServiceStatus.FAILED):
        return WAITING
    return failed(f"{name} is {state.status} after its start: {report[1]}")


def _verify_one(context: Context, run: Run, name: str) -> tuple[Run, Progress]:
    service, state = context.service(name), context.state(name)
    if name in run.down_before and name not in run.stopped:
        return run, done(f"{name} was not running before, nothing to verify")
    limit = context.step.within_seconds or (service.probe.within_seconds if service.probe else VERIFY_SECONDS)
    expired = context.turn.now - run.since >= limit + service.stable_for_seconds
    if state is None or state.sensed_boottime < run.since or state.status is not ServiceStatus.ACTIVE:
        told = state.status if state is not None else "unknown"
        run = replace(_forget_probe(run, name), active_since=None)
        return run, _late(expired, f"{name} is {told} after {words.duration(limit)}")
    if run.active_since is None or (state.main_pid and state.main_pid != run.active_pid):
        run = replace(_forget_probe(run, name), active_since=context.turn.now, active_pid=state.main_pid)
    if run.active_since is None or context.turn.now - run.active_since < service.stable_for_seconds:
        return run, _late(expired, f"{name} is not stable")
    return _probe(context, run, name, expired=expired) if service.probe else (run, done(f"{name} is active and stable"))


def _probe(context: Context, run: Run, name: str, *, expired: bool) -> tuple[Run, Progress]:
    key = f"probe {name}"
    run, _ = context.ask(run, key, Probe(name))
    report = context.report(run, key)
    if report is None:
        return run, _late(expired, f"the probe of {name} does not end")
    ok, told, at = report
    if ok:
        return run, done(f"{name} is active, stable and answers: {told}")
    if context.turn.now - at >= PROBE_PAUSE_SECONDS:
        run = _forget_probe(run, name)
    return run, _late(expired, f"{name} does not answer: {told}")


def _forget_probe(run: Run, name: str) -> Run:
    """The next tick asks again: what one main process answered says nothing of the next."""
    return replace(run, asked={key: value for key, value in run.asked.items() if key != f"probe {name}"})


def _settle(context: Context, run: Run, name: str) -> Run:
    """The service runs again: the debt is paid, and the next has its turn."""
    return replace(run, done=run.done | {name}, since=context.turn.now,
                   stopped=tuple(other for other in run.stopped if other != name))


def _pass_over(context: Context, run: Run, name: str, why: str) -> Run:
    failure = f"{run.failure}; then {why}" if run.failure else why
    return replace(run, done=run.done | {name}, since=context.turn.now, failure=failure)


def _late(expired: bool, why: str) -> Progress:
    return failed(why) if expired else WAITING
