"""The fold over all rules: one snapshot and what is remembered in, a printable plan and what to remember out. Pure."""

from __future__ import annotations

from watchdog_oom.core.actions import Plan
from watchdog_oom.core.guard import Budget
from watchdog_oom.core.history import History
from watchdog_oom.core.model import Snapshot
from watchdog_oom.core.policy import Policy
from watchdog_oom.core.rules import containment, emergency, freeze, kill_escalation, limit, protect
from watchdog_oom.core.rules.recovery import trigger
from watchdog_oom.core.tick import Turn
from watchdog_oom.core.view import View


def decide(snapshot: Snapshot, policy: Policy, history: History, budget: Budget) -> tuple[Plan, History]:
    """What to do now. The emergency comes first, so that nothing delays it and no other rule spends its budget."""
    turn = Turn(View(snapshot, policy), history, budget)
    kill_escalation.advance(turn)
    emergency.apply(turn)
    if history.stopping:
        _wind_up(turn)
    else:
        protect.apply(turn)
        limit.apply(turn)
        trigger.apply(turn)
        freeze.thaw_rest(turn)
        containment.settle(turn)
    return turn.result()


def _wind_up(turn: Turn) -> None:
    """Finish what must not stay half done, then give back what was changed; ``finished`` says that this is all."""
    trigger.compensate_all(turn, "the daemon stops")
    trigger.apply(turn)
    freeze.thaw_rest(turn)
    containment.settle(turn)
    if not trigger.running(turn) and not containment.owing(turn):
        protect.restore_all(turn)
        turn.finished = True
