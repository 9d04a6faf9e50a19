"""The hook before a kill: the first signal of a limit or of the emergency waits for it, 200 ms at most. Pure.

Such a process counts as being ended from the moment that was decided, so no other is chosen meanwhile. A kill is never
lost by a hook: it goes out when the hook has ended, or when its time is over, whatever the hook does. While a hook
still runs that an earlier kill began, nothing is held back.
"""

from __future__ import annotations

from watchdog_oom.core.actions import Intent, Plan, Signal, SignalName
from watchdog_oom.core.history import History
from watchdog_oom.core.hook_action import HookEvent, Victim
from watchdog_oom.core.hook_state import HELD_SECONDS, HeldKill, Hooks
from watchdog_oom.core.rules.hook_queue import HookQueue
from watchdog_oom.lean_dataclasses import replace


def told_apart(plan: Plan, before: History) -> tuple[tuple[Intent, ...], tuple[Intent, ...]]:
    """The first signals of limits and of the emergency to processes, and all other intents."""
    kills = tuple(intent for intent in plan.intents if _is_first_kill(intent, before))
    chosen = frozenset(intent.id for intent in kills)
    return kills, tuple(intent for intent in plan.intents if intent.id not in chosen)


def hold_back(queue: HookQueue, kills: tuple[Intent, ...]) -> tuple[HeldKill, ...]:
    """One hook for all kills of the tick; those that wait for it."""
    signals = [(kill, kill.action) for kill in kills if isinstance(kill.action, Signal)]
    if not signals:
        return ()
    victims = tuple(Victim(action.target, action.comm, action.signal, kill.rule, kill.because)
                    for kill, action in signals)
    begun = queue.ask(HookEvent.BEFORE_KILL, kills[0].rule, kills[0].because, incident=kills[0].incident,
                      urgent=any(kill.urgent for kill in kills), victims=victims)
    return tuple(HeldKill(kill, action.target, queue.now) for kill, action in signals) if begun else ()


def release(hooks: Hooks, after: History, now: float) -> tuple[tuple[HeldKill, ...], tuple[HeldKill, ...]]:
    """The kills whose time has come, and those that still wait. A kill is dropped only where the process is gone, was
    given up, or got another signal since. The actuators judge each process once more."""
    meant = [kill for kill in hooks.held if _still_meant(kill, after)]
    waiting = tuple(kill for kill in meant if not after.stopping and _waits(kill, hooks, now))
    return tuple(kill for kill in meant if kill not in waiting), waiting


def with_grace(after: History, released: tuple[HeldKill, ...], now: float) -> History:
    """The grace of these processes begins now."""
    terminations = dict(after.terminations)
    for kill in released:
        terminations[kill.target] = replace(terminations[kill.target], stage_since=now)
    return replace(after, terminations=terminations)


def _waits(kill: HeldKill, hooks: Hooks, now: float) -> bool:
    return HookEvent.BEFORE_KILL in hooks.running and now - kill.since < HELD_SECONDS


def _still_meant(kill: HeldKill, after: History) -> bool:
    termination = after.terminations.get(kill.target)
    return termination is not None and termination.intent_id == kill.intent.id


def _is_first_kill(intent: Intent, before: History) -> bool:
    action = intent.action
    return (isinstance(action, Signal) and action.signal in (SignalName.TERM, SignalName.KILL)
            and (intent.rule == "emergency" or intent.rule.startswith("limit."))
            and action.target not in before.terminations)
