"""[hooks] of the configuration: which hook is run when, after all rules have decided. Pure.

What opened, held or closed is told by comparing what is remembered before and after the tick. A hook never decides
anything: nothing but the moment of a kill, and that within bounds, depends on one (``before_kill.py``).
"""

from __future__ import annotations

from watchdog_oom.core.actions import Note, Plan
from watchdog_oom.core.history import History, Recovery
from watchdog_oom.core.hook_action import HookEvent
from watchdog_oom.core.rules import before_kill
from watchdog_oom.core.rules.hook_queue import HookQueue
from watchdog_oom.core.tick import Tick
from watchdog_oom.lean_dataclasses import replace

STOP_SECONDS = 5.0
_NEVER = Recovery()


def settle(tick: Tick, plan: Plan, after: History) -> tuple[Plan, History]:
    """The plan with the hooks that are due now, and without the kills that wait for one."""
    queue = HookQueue(tick, after)
    queue.hear()
    released, waiting = before_kill.release(queue.hooks, after, tick.now)
    kills, others = before_kill.told_apart(plan, tick.before)
    held = () if after.stopping else before_kill.hold_back(queue, kills)
    _tell_emergency(queue, plan, tick.before, after)
    _tell_recoveries(queue, plan, tick.before, after)
    queue.begin_waiting()
    due = (*(kill.intent for kill in released), *(() if held else kills))
    plan = replace(plan, intents=(*due, *queue.intents, *others), notes=(*plan.notes, *queue.notes))
    after = replace(before_kill.with_grace(after, released, tick.now), counter=queue.counter,
                    hooks=replace(queue.hooks, held=(*waiting, *held)))
    return _wait_at_the_end(plan, after, tick.now)


def _tell_emergency(queue: HookQueue, plan: Plan, before: History, after: History) -> None:
    for event, incident, was in ((HookEvent.INCIDENT_CLOSES, before.emergency, after.emergency),
                                 (HookEvent.INCIDENT_OPENS, after.emergency, before.emergency)):
        if incident is not None and incident != was:
            _tell(queue, event, "emergency", incident, _of_incident(plan, incident, event))


def _tell_recoveries(queue: HookQueue, plan: Plan, before: History, after: History) -> None:
    for name, state in after.recoveries.items():
        rule = f"recover.{name}"
        earlier = before.recoveries.get(name, _NEVER)
        was = earlier.run.incident if earlier.run is not None else None
        now = state.run.incident if state.run is not None else None
        if was is not None and was != now:
            _tell(queue, HookEvent.INCIDENT_CLOSES, rule, was, _of_incident(plan, was, HookEvent.INCIDENT_CLOSES))
        if now is not None and was != now:
            _tell(queue, HookEvent.INCIDENT_OPENS, rule, now, _of_incident(plan, now, HookEvent.INCIDENT_OPENS))
        if state.held_since is not None and earlier.held_since is None:
            notes = [note for note in plan.notes if note.rule == rule and note.incident is None]
            _tell(queue, HookEvent.HOLD_BEGINS, rule, None, notes[-1] if notes else None)


def _of_incident(plan: Plan, incident: str, event: HookEvent) -> Note | None:
    """The note that opened the incident, or the one that closed it."""
    notes = [note for note in plan.notes if note.incident == incident and note.action is None]
    return (notes[0] if event is HookEvent.INCIDENT_OPENS else notes[-1]) if notes else None


def _tell(queue: HookQueue, event: HookEvent, rule: str, incident: str | None, note: Note | None) -> None:
    if note is None:
        queue.ask(event, rule, (), incident=incident)
    else:
        queue.ask(event, rule, note.because, incident=incident, result=note.result, ok=note.ok)


def _wait_at_the_end(plan: Plan, after: History, now: float) -> tuple[Plan, History]:
    """A daemon that stops gives its last hooks a moment."""
    newest = max((hook.since for hook in after.hooks.running.values()), default=None)
    if not after.finished or newest is None or now - newest >= STOP_SECONDS:
        return plan, after
    return replace(plan, watch=replace(plan.watch, often=True)), replace(after, finished=False)
