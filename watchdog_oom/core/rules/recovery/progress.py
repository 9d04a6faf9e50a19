"""The progress of a recovery's step in a tick, and the context in which it asks for effects."""

from __future__ import annotations

from enum import StrEnum

from watchdog_oom.core.actions import Action
from watchdog_oom.core.history import RecoveryRun
from watchdog_oom.core.model import ServiceState, ServiceStatus
from watchdog_oom.core.nouns import ServiceNoun
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
        """The service noun. A service may still have to be started after its noun left the policy: then the name is
        taken as the unit."""
        return self.tick.view.policy.services.get(name) or ServiceNoun(name, unit=name)

    def state(self, name: str) -> ServiceState | None:
        """The state of a service, or of a trigger by its unit name."""
        return self.tick.view.snapshot.services.get(name)

    def why_left(self, name: str) -> str:
        """Why a service is left alone. A running service can be MISSING too: a masked one could only be stopped."""
        state = self.state(name)
        if state is None or state.status is not ServiceStatus.MISSING:
            return "was not running before"
        return f"could not be started again ({state.words or state.status})"

    def ask(self, run: RecoveryRun, key: str, effect: Action) -> tuple[RecoveryRun, bool]:
        """Plan the effect once; returns whether the guard allowed it."""
        if key in run.asked:
            return run, True
        intent = self.tick.plan(effect, self.rule, run.because, incident=run.incident)
        if intent is None:
            return run, False
        return replace(run, asked={**run.asked, key: intent.id}), True

    def report(self, run: RecoveryRun, key: str) -> tuple[bool, str, float] | None:
        """The report on what was asked under ``key``: ok, words, time."""
        return run.told.get(run.asked.get(key, ""))
