"""The fold over all rules: snapshot and history in, printable plan and new history out. Pure."""

from __future__ import annotations

from watchdog_oom.core.actions import Plan
from watchdog_oom.core.guard import Budget
from watchdog_oom.core.history import History
from watchdog_oom.core.model import Snapshot
from watchdog_oom.core.pause import in_force, with_pauses
from watchdog_oom.core.policy import Policy
from watchdog_oom.core.rules import (
    clean,
    containment,
    emergency,
    freeze,
    kill_escalation,
    limit,
    lost_senses,
    maintenance,
    protect,
)
from watchdog_oom.core.rules.recovery import trigger
from watchdog_oom.core.tick import Tick
from watchdog_oom.core.view import View
from watchdog_oom.lean_dataclasses import replace


def decide(snapshot: Snapshot, policy: Policy, history: History, budget: Budget) -> tuple[Plan, History]:
    """What to do now. The emergency comes first, so that nothing delays it and no other rule spends its budget."""
    policy = with_pauses(policy, in_force(history.pauses, snapshot.clock.boottime))
    tick = Tick(View(remembered(snapshot, history), policy), history, budget)
    kill_escalation.advance(tick)
    emergency.apply(tick)
    lost_senses.apply(tick)
    maintenance.apply(tick)
    if history.stopping:
        _shut_down(tick)
    else:
        protect.apply(tick)
        limit.apply(tick)
        trigger.apply(tick)
        clean.apply(tick)
        freeze.thaw_unwanted(tick)
        containment.settle(tick)
    plan, after = tick.result()
    if not after.hooks.settings.programs:
        return plan, after
    from watchdog_oom.core.rules import hooks  # whoever has none does not pay for them
    return hooks.settle(tick, plan, after)


def remembered(snapshot: Snapshot, history: History) -> Snapshot:
    """The snapshot with what is remembered of whom its processes came from, without which nouns match too few."""
    return replace(snapshot, below=history.descent.below, reparented=history.descent.reparented)


def _shut_down(tick: Tick) -> None:
    """Complete what must not be left half done, then restore what was changed; ``finished``: nothing is left to do."""
    trigger.compensate_all(tick, "the daemon stops")
    trigger.apply(tick)
    freeze.thaw_unwanted(tick)
    containment.settle(tick)
    if not trigger.running(tick) and not containment.owing(tick):
        protect.restore_all(tick)
        tick.finished = not freeze.owing(tick) and not protect.owing(tick)
        tick.often = not tick.finished
