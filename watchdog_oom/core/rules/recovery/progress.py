"""The progress of a recovery's step in a tick, and the context in which it asks for effects."""

from __future__ import annotations

from enum import StrEnum

from watchdog_oom.core.actions import Action
from watchdog_oom.core.history import RecoveryRun
from watchdog_oom.core.model import ServiceState, ServiceStatus
from watchdog_oom.core.nouns import ServiceNoun
from watchdog_oom.core.outcome import EffectReport
from watchdog_oom.core.policy import Recover, RecoveryStep
from watchdog_oom.core.tick import Tick
from watchdog_oom.lean_dataclasses import dataclass, replace


class Status(StrEnum):
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a step in this tick, with words if it ended."""

    status: Status
    words: str = ""


WAITING = Progress(Status.WAITING)


def done(text: str) -> Progress:
    return Progress(Status.DONE, text)


def failed(text: str) -> Progress:
    return Progress(Status.FAILED, text)


@dataclass(frozen=True, slots=True)
class Context:
    """The tick, the recovery and the step that is being done."""

    tick: Tick
    recover: Recover
    step: RecoveryStep

    @property
    def rule(self) -> str:
        return f"recover.{self.recover.name}"

    def service(self, name: str) -> ServiceNoun:
        """The service noun; a unit stands for itself. A debt concerns the unit that was stopped, whatever that name
        means in the policy now."""
        noun = self.tick.view.policy.services.get(name) or ServiceNoun(name, unit=name)
        state = self.tick.recoveries.get(self.recover.name)
        owed = state.units.get(name) if state is not None else None
        return noun if not owed else replace(noun, unit=owed[0], triggers=tuple(owed[1:]))

    def watched_as(self, name: str) -> str:
        """The name under which snapshots hold the state of a service or a unit."""
        unit = self.service(name).unit
        noun = self.tick.view.policy.services.get(name)
        return name if noun is not None and noun.unit == unit else unit

    def state(self, name: str) -> ServiceState | None:
        """The state of a service, or by its unit of a trigger."""
        return self.tick.view.snapshot.services.get(self.watched_as(name))

    def why_left(self, name: str) -> str:
        """Why a service is left alone. A running service can be MISSING too: a masked one could only be stopped."""
        state = self.state(name)
        if state is None or state.status is not ServiceStatus.MISSING:
            return "was not running before"
        return f"could not be started again ({state.words or state.status})"

    def ask(self, run: RecoveryRun, key: str, effect: Action, *, part_of: str = "") -> tuple[RecoveryRun, bool]:
        """Plan the effect once; returns whether the guard allowed it. ``part_of`` as in Intent."""
        if key in run.asked:
            return run, True
        intent = self.tick.plan(effect, self.rule, run.because, incident=run.incident, part_of=part_of)
        if intent is None:
            return run, False
        return replace(run, asked={**run.asked, key: intent.id}), True

    def report(self, run: RecoveryRun, key: str) -> EffectReport | None:
        """The report on what was asked under ``key``, if there is one yet."""
        return run.told.get(run.asked.get(key, ""))
