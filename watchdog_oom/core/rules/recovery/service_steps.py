"""The verbs stop, start and restart. The result of a service manager's job is only a hint; the next state decides."""

from __future__ import annotations

from watchdog_oom import formatting
from watchdog_oom.core.actions import StartUnit, StopUnit
from watchdog_oom.core.history import RecoveryRun
from watchdog_oom.core.model import ServiceStatus
from watchdog_oom.core.nouns import ServiceNoun
from watchdog_oom.core.policy import Verb
from watchdog_oom.core.rules.recovery.progress import WAITING, Context, Progress, Status, done, failed
from watchdog_oom.core.rules.recovery.survivors import end_survivors
from watchdog_oom.core.rules.recovery.unknowable import at_its_word
from watchdog_oom.lean_dataclasses import replace

START_SECONDS = 120.0
STATE_SECONDS = 10.0
DOWN = (ServiceStatus.INACTIVE, ServiceStatus.FAILED, ServiceStatus.MISSING)


def stop(context: Context, run: RecoveryRun) -> tuple[RecoveryRun, Progress]:
    """Each in turn, its triggers first; a service that was down before the incident is neither touched nor owed."""
    results: list[str] = []
    for name in context.step.names:
        run, progress = _stop_one(context, run, name)
        if progress.status is not Status.DONE:
            return run, progress
        results.append(progress.words)
    return run, done("; ".join(results))


def start(context: Context, run: RecoveryRun) -> tuple[RecoveryRun, Progress]:
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


def start_all_owed(context: Context, run: RecoveryRun) -> tuple[RecoveryRun, Progress]:
    """Compensation: start what this run stopped, last stopped first. A service that cannot be started does not block
    the others (Law 5): after its deadline it stays owed and the next one is started."""
    given = [step.within_seconds or 0.0 for step in context.recover.steps if step.verb in (Verb.START, Verb.RESTART)]
    limit = max([START_SECONDS, own_seconds(context, run), *given])
    context = replace(context, step=replace(context.step, within_seconds=limit))
    for name in reversed(run.stopped):
        run, progress = _start_one(context, run, name)
        if progress.status is Status.DONE:
            run = _settle(context, run, name)
        elif name in run.done:
            continue
        elif progress.status is Status.FAILED:
            run = _pass_over(context, run, name, progress.words)
        elif context.tick.now - run.waiting_since >= limit:
            run = _pass_over(context, run, name, f"{name} is not active after {formatting.duration(limit)}")
        else:
            return run, WAITING
    return run, done("")


def restart(context: Context, run: RecoveryRun) -> tuple[RecoveryRun, Progress]:
    """Stop and start each in turn, each one verified."""
    for name in context.step.names:
        if name in run.done:
            continue
        if not _start_begun(context, run, name):
            run, progress = _stop_one(context, run, name)
            if progress.status is not Status.DONE:
                return run, progress
        if name in run.stopped:
            run, progress = _start_one(context, run, name)
            if progress.status is not Status.DONE:
                return run, progress
        run = _settle(context, run, name)
    skipped = [name for name in context.step.names if name in run.down_before]
    left = ", ".join(f"{name} {context.why_left(name)}" for name in skipped)
    note = f"; left alone: {left}" if skipped else ""
    return run, done(f"restarted {', '.join(n for n in context.step.names if n not in skipped) or 'nothing'}{note}")


def _start_begun(context: Context, run: RecoveryRun, name: str) -> bool:
    """Whether it is on its way back up: its sockets are started before it."""
    return any(f"start {unit}" in run.asked for unit in (name, *context.service(name).triggers))


def own_seconds(context: Context, run: RecoveryRun) -> float:
    """The longest timeout of the units for the verb (TimeoutStopSec and TimeoutStartSec, with a margin); 0 if none is
    known. A step without a deadline of its own lasts at least that long."""
    verb = context.step.verb
    names = run.stopped if context.step.stopped else context.step.names
    states = [state for state in map(context.state, names) if state is not None]
    stops = [state.stop_seconds or 0.0 if verb in (Verb.STOP, Verb.RESTART) else 0.0 for state in states]
    starts = [state.start_seconds or 0.0 if verb in (Verb.START, Verb.RESTART) else 0.0 for state in states]
    return max((stop + start for stop, start in zip(stops, starts, strict=True)), default=0.0)


def _stop_one(context: Context, run: RecoveryRun, name: str) -> tuple[RecoveryRun, Progress]:
    if name in run.down_before and name not in run.stopped:
        return run, done(f"{name} {context.why_left(name)}, left alone")
    if name not in run.stopped:
        if context.tick.pressed:
            return run, WAITING
        run = replace(run, stopped=(*run.stopped, name))
    service = context.service(name)
    run, progress = _stop_triggers(context, run, service)
    if progress.status is not Status.DONE:
        return run, progress
    state = context.state(name)
    if state is not None and state.status is ServiceStatus.FAILED and f"stop {name}" not in run.asked:
        cleared = end_survivors(context, run, name, state)
        if cleared.status is not Status.DONE:
            return run, cleared
        return run, done(f"{name} had failed; it is started with the rest{cleared.words}")
    run, allowed = context.ask(run, f"stop {name}", StopUnit(service.unit, name, context.step.within_seconds))
    if not allowed:
        return _settle(context, run, name), failed(f"stopping {name} was refused")
    return run, _down_yet(context, run, name)


def _stop_triggers(context: Context, run: RecoveryRun, service: ServiceNoun) -> tuple[RecoveryRun, Progress]:
    for trigger in service.triggers:
        if trigger in run.down_before and trigger not in run.triggers:
            continue
        if trigger not in run.triggers:
            run = replace(run, triggers=(*run.triggers, trigger))
        run, _ = context.ask(run, f"stop {trigger}", StopUnit(trigger, service.name, context.step.within_seconds))
        progress = _down_yet(context, run, trigger)
        if progress.status is not Status.DONE:
            return run, progress
    return run, done("")


def _down_yet(context: Context, run: RecoveryRun, name: str) -> Progress:
    report, state = context.report(run, f"stop {name}"), context.state(name)
    if report is None or state is None or state.sensed_boottime < report.boottime:
        return WAITING
    if state.status in DOWN:
        cleared = end_survivors(context, run, name, state)
        return cleared if cleared.status is Status.WAITING else done(f"{name} is {state.status}{cleared.words}")
    if not state.knowable:
        return at_its_word(name, report, state, "stopped")
    return WAITING if report.outcome.ok else failed(f"{name} is still {state.status}: {report.outcome.words}")


def _start_one(context: Context, run: RecoveryRun, name: str) -> tuple[RecoveryRun, Progress]:
    """The service and its triggers: it stays owed until they are active too. A socket that cannot be started does not
    keep its service down."""
    state = context.state(name)
    if name not in run.stopped:
        if state is not None and state.status is ServiceStatus.ACTIVE and f"start {name}" not in run.asked:
            return run, done(f"{name} is already active")
        if name in run.down_before:
            return run, done(f"{name} {context.why_left(name)}, left alone")
    trouble = ""
    order = _start_order(context, run, name)
    run, room = _make_room(context, run, name, order[0])
    if not room:
        return run, WAITING
    for unit in order:
        if unit != order[0] and f"start {unit}" not in run.asked:
            run = replace(run, since=context.tick.now)  # each unit has its own deadline
        run, progress = _start_unit(context, run, name, unit)
        if progress.status is Status.FAILED and _is_socket(unit):
            trouble = trouble or progress.words
        elif progress.status is not Status.DONE:
            return run, progress
    started = tuple(unit for unit in order if not (trouble and _is_socket(unit)))
    run = replace(run, triggers=tuple(trigger for trigger in run.triggers if trigger not in started))
    return run, failed(trouble) if trouble else done(f"{name} is active")


def _start_order(context: Context, run: RecoveryRun, name: str) -> tuple[str, ...]:
    """Sockets first: systemd refuses to start one whose service runs. Timers and paths last: they would start it."""
    owed = [trigger for trigger in context.service(name).triggers if trigger in run.triggers]
    return (*filter(_is_socket, owed), name, *(trigger for trigger in owed if not _is_socket(trigger)))


def _make_room(context: Context, run: RecoveryRun, name: str, first: str) -> tuple[RecoveryRun, bool]:
    """Whether the first unit can be started. A service whose socket alone was stopped (the run failed between the two
    stops) is stopped as well, since the socket cannot be started while it runs."""
    state, socket, asked = context.state(name), context.state(first), f"stop {name}" in run.asked
    if not _is_socket(first) or f"start {first}" in run.asked or (socket and socket.status is ServiceStatus.ACTIVE):
        return run, True
    if not asked and _stop_under_way(context, run, name):
        return run, False
    if not asked and (state is None or state.status is not ServiceStatus.ACTIVE):
        return run, True
    stop_it = StopUnit(context.service(name).unit, name, context.step.within_seconds)
    run, allowed = context.ask(run, f"stop {name}", stop_it)
    return run, not allowed or _down_yet(context, run, name).status is not Status.WAITING


def _is_socket(unit: str) -> bool:
    return unit.endswith(".socket")


def _start_unit(context: Context, run: RecoveryRun, name: str, unit: str) -> tuple[RecoveryRun, Progress]:
    if f"start {unit}" not in run.asked and _stop_under_way(context, run, unit):
        return run, WAITING
    target = context.service(name).unit if unit == name else unit
    run, allowed = context.ask(run, f"start {unit}", StartUnit(target, name, context.step.within_seconds))
    return run, _up_yet(context, run, unit) if allowed else failed(f"starting {unit} was refused")


def _stop_under_way(context: Context, run: RecoveryRun, unit: str) -> bool:
    """A start must not overtake a stop that this run, or one before a crash, has asked for."""
    if f"stop {unit}" in run.asked and context.report(run, f"stop {unit}") is None:
        return True
    state = context.state(unit)
    if state is None:
        return context.tick.now - run.waiting_since < STATE_SECONDS
    return state.status is ServiceStatus.CHANGING


def _up_yet(context: Context, run: RecoveryRun, name: str) -> Progress:
    report, state = context.report(run, f"start {name}"), context.state(name)
    if report is None or state is None or state.sensed_boottime < report.boottime:
        return WAITING
    if state.status is ServiceStatus.ACTIVE:
        return done(f"{name} is active")
    if not state.knowable:
        return at_its_word(name, report, state, "started")
    if state.status is ServiceStatus.CHANGING or (report.outcome.ok and state.status is not ServiceStatus.FAILED):
        return WAITING
    return failed(f"{name} is {state.status} after its start: {report.outcome.words}")


def _settle(context: Context, run: RecoveryRun, name: str) -> RecoveryRun:
    """The service runs again: remove it from the owed ones and go to the next."""
    return replace(run, done=run.done | {name}, since=context.tick.now,
                   stopped=tuple(other for other in run.stopped if other != name))


def _pass_over(context: Context, run: RecoveryRun, name: str, why: str) -> RecoveryRun:
    failure = f"{run.failure}; then {why}" if run.failure else why
    return replace(run, done=run.done | {name}, since=context.tick.now, failure=failure)
