"""What a plan does: its intents are journaled and acted on; what came of them goes into the next snapshot (Law 8)."""

from __future__ import annotations

import time
from collections.abc import Callable

from watchdog_oom.core.actions import Intent, Plan, Purge
from watchdog_oom.core.model import Snapshot
from watchdog_oom.core.outcome import EffectReport, Outcome
from watchdog_oom.core.policy import Policy
from watchdog_oom.daemon.audit import AuditTrail
from watchdog_oom.host.actuators import Actuators
from watchdog_oom.host.sensors import Sensors


class Performer:
    """Performs plans. ``urgent_at`` is when something that may not wait for a disk was done last, in seconds of
    CLOCK_BOOTTIME."""

    def __init__(self, sensors: Sensors, actuators: Actuators, audit_trail: AuditTrail, *, observe: bool) -> None:
        self._sensors = sensors
        self._actuators = actuators
        self._audit_trail = audit_trail
        self._observe = observe
        self._reports: list[EffectReport] = []
        self.urgent_at = 0.0

    def perform(self, plan: Plan, snapshot: Snapshot, policy: Policy, settle: Callable[[], None]) -> None:
        """Intent before act, outcome after it. The urgent go first, and are written down only when done; then
        ``settle`` writes what the other acts will owe."""
        for intent in plan.intents:
            if intent.urgent:
                self.urgent_at = snapshot.clock.boottime
                self._perform_one(intent, snapshot, policy)
        settle()
        self._actuators.halt_purges(plan.halts, snapshot.clock.boottime)
        for note in plan.notes:
            self._audit_trail.note(note, snapshot)
        for refusal in plan.refusals:
            self._audit_trail.refusal(refusal, snapshot, policy)
        for intent in plan.intents:
            if not intent.urgent:
                self._perform_one(intent, snapshot, policy)

    def reports(self, now: float) -> tuple[EffectReport, ...]:
        """How effects came out since the last call; ``now`` in seconds of CLOCK_BOOTTIME."""
        for report in self._actuators.reports(now):
            step = self._audit_trail.action_of(report.intent_id)
            if isinstance(step, Purge):
                self._sensors.rescan_spool(step.spool)
            self._came_out(report)
        self._audit_trail.slow_patterns(self._sensors.processes.facts.news(now))
        for news in self._actuators.news():
            self._audit_trail.purge_went_on(news.intent_id, news.outcome)
        reports, self._reports = tuple(self._reports), []
        return reports

    def _perform_one(self, intent: Intent, snapshot: Snapshot, policy: Policy) -> None:
        self._audit_trail.intent(intent, snapshot, policy)
        if self._observe:
            outcome: Outcome | None = Outcome(None, "observed only, not done")
        else:
            outcome = self._actuators.perform(intent, snapshot, policy)
        if outcome is not None:
            self._came_out(EffectReport(intent.id, outcome, None, time.clock_gettime(time.CLOCK_BOOTTIME)))

    def _came_out(self, report: EffectReport) -> None:
        """One value, into the journal and into the next snapshot."""
        self._audit_trail.report(report)
        self._reports.append(report)
