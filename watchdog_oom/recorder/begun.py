"""Which rules begin to do something in a plan, what that is, and to whom. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from watchdog_oom.core.actions import Plan, Signal
from watchdog_oom.core.decide import remembered
from watchdog_oom.core.guard import Budget
from watchdog_oom.core.history import History
from watchdog_oom.core.model import Process, Snapshot
from watchdog_oom.core.policy import Policy, Recover, Verb
from watchdog_oom.core.rules import would
from watchdog_oom.core.tick import Tick
from watchdog_oom.core.view import View
from watchdog_oom.recorder.subjects import of_action, of_recover


def begun_rules(plan: Plan, before: History, after: History) -> list[str]:
    """In the order of the plan: a recovery acts when its run is opened, before its first step is asked for; an
    emergency that finds nobody to end does nothing."""
    found = [intent.rule for intent in plan.intents]
    for name, recovery in after.recoveries.items():
        former = before.recoveries.get(name)
        if recovery.run is not None and (former is None or former.run is None):
            found.append(f"recover.{name}")
    return list(dict.fromkeys(found))


class Begun:
    """What the rules of one plan begin."""

    def __init__(self, policy: Policy, snapshot: Snapshot, plan: Plan, before: History, after: History,
                 budget: Budget) -> None:
        self._policy = policy
        self._plan = plan
        self._after = after
        self._tick = Tick(View(remembered(snapshot, before), policy), before, budget)

    def words(self, rule: str) -> tuple[str, ...]:
        """What is done, an effect each; of a recovery all its steps, with whom they would meet now."""
        recover = self._recover(rule)
        if recover is not None:
            return tuple(part.removeprefix("would ")
                         for part in would.recovered(self._tick, recover).split("; would "))
        return tuple(str(intent.action) for intent in self._plan.intents if intent.rule == rule)

    def because(self, rule: str) -> tuple[str, ...]:
        """The evidence, as the journal has it."""
        name = rule.removeprefix("recover.")
        if self._recover(rule) is not None:
            run = self._after.recoveries[name].run
            return run.because if run is not None else ()
        told = [reason for intent in self._plan.intents if intent.rule == rule for reason in intent.because]
        return tuple(dict.fromkeys(told))

    def subjects(self, rule: str) -> tuple[str, ...]:
        recover = self._recover(rule)
        if recover is not None:
            return of_recover(self._policy, recover)
        names = [of_action(intent.action) for intent in self._plan.intents if intent.rule == rule]
        return tuple(dict.fromkeys(name for name in names if name))

    def ended(self, rule: str) -> tuple[Process, ...]:
        """The processes that it would signal."""
        return tuple(dict.fromkeys(self._ended(rule)))

    def _ended(self, rule: str) -> Iterator[Process]:
        processes = self._tick.view.snapshot.processes
        for intent in self._plan.intents:
            if intent.rule == rule and isinstance(intent.action, Signal):
                yield processes[intent.action.target.pid]
        recover = self._recover(rule)
        for step in recover.steps if recover is not None else ():
            if step.verb in (Verb.KILL, Verb.FREEZE):
                for name in step.names:
                    yield from self._tick.view.matching(name)

    def _recover(self, rule: str) -> Recover | None:
        kind, _, name = rule.partition(".")
        return self._policy.recovers.get(name) if kind == "recover" else None
