"""When a moment is worth recording in detail: something opens, or a threshold is near. Pure."""

from __future__ import annotations

from watchdog_oom.core.actions import Plan, Signal, SignalName
from watchdog_oom.core.history import History
from watchdog_oom.core.model import Snapshot
from watchdog_oom.core.policy import Emergency
from watchdog_oom.core.shortage import near

HOLDS_SECONDS = 600.0  # a clause that has held for longer is a state, not an approach


def what_opens(plan: Plan, before: History, after: History, snapshot: Snapshot) -> str:
    """What begins at this tick, in words: an emergency, an incident, a kill by a rule or by the kernel; or nothing."""
    found = []
    if after.emergency is not None and before.emergency is None:
        found.append("an emergency")
    for name, recovery in after.recoveries.items():
        former = before.recoveries.get(name)
        if recovery.run is not None and (former is None or former.run is None):
            found.append(f"recover.{name}")
    found += [f"{signal} by {rule}" for rule, signal in _endings(plan)]
    found += [f"the kernel killed {kill.comm}[{kill.pid}]" for kill in snapshot.kernel_kills]
    return "; ".join(found)


def to_be_ended(plan: Plan) -> tuple[int, ...]:
    """The pids of those whom the plan ends."""
    return tuple([signal.target.pid for _, signal in _endings(plan)])


def pressing(snapshot: Snapshot, emergency: Emergency, history: History) -> bool:
    """Whether every tick counts: memory is short, a clause has begun to hold, or something is under way."""
    memory = snapshot.memory
    if memory is not None and near(memory, emergency, snapshot.pressure):
        return True
    if history.emergency is not None or history.terminations:
        return True
    if any(recovery.run is not None for recovery in history.recoveries.values()):
        return True
    return any(history.decided_at - since < HOLDS_SECONDS for since in history.held_since.values())


def _endings(plan: Plan) -> list[tuple[str, Signal]]:
    """The signals of the plan that end a process, each with its rule."""
    return [(intent.rule, intent.action) for intent in plan.intents
            if isinstance(intent.action, Signal) and intent.action.signal in (SignalName.TERM, SignalName.KILL)]
