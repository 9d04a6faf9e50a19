"""When a moment is worth recording in detail: something opens, or a threshold is near. Pure."""

from __future__ import annotations

from watchdog_oom.core.actions import Plan, Signal, SignalName
from watchdog_oom.core.history import History
from watchdog_oom.core.model import Snapshot
from watchdog_oom.core.policy import Emergency
from watchdog_oom.core.shortage import near

MOST_LOOKED_AT = 10
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
    found += [f"{signal} by {rule}" for _, rule, signal in _endings(plan)]
    found += [f"the kernel killed {kill.comm}[{kill.pid}]" for kill in snapshot.kernel_kills]
    return "; ".join(found)


def hurried(plan: Plan) -> frozenset[int]:
    """The pids of those whom the plan ends at once: whoever reads of them now holds up their end."""
    return frozenset([signal.target.pid for urgent, _, signal in _endings(plan)
                      if urgent or signal.signal is SignalName.KILL])


def worth_a_look(plan: Plan, snapshot: Snapshot) -> tuple[int, ...]:
    """The pids of those whom the plan ends, and then of those that hold most, ten in all."""
    ended = [signal.target.pid for _, _, signal in _endings(plan)][:MOST_LOOKED_AT]
    held = sorted([(process.rss_bytes + (process.swap_bytes or 0), pid)
                   for pid, process in snapshot.processes.items()], reverse=True)
    return tuple(dict.fromkeys([*ended, *(pid for _, pid in held[:MOST_LOOKED_AT])]))[:MOST_LOOKED_AT]


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


def _endings(plan: Plan) -> list[tuple[bool, str, Signal]]:
    """The signals of the plan that end a process: whether urgent, for which rule, and the signal."""
    return [(intent.urgent, intent.rule, intent.action) for intent in plan.intents
            if isinstance(intent.action, Signal) and intent.action.signal in (SignalName.TERM, SignalName.KILL)]
