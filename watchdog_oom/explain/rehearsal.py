"""What the rules would do if every ``for`` had already passed, and why the others would do nothing. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from watchdog_oom.core.actions import Plan
from watchdog_oom.core.condition import Finding
from watchdog_oom.core.decide import decide, remembered
from watchdog_oom.core.guard import Budget
from watchdog_oom.core.history import History, Recovery
from watchdog_oom.core.model import Process, Snapshot
from watchdog_oom.core.pause import in_force, with_pauses
from watchdog_oom.core.policy import Emergency, Policy
from watchdog_oom.core.rules import emergency
from watchdog_oom.core.rules.clean import rule_of
from watchdog_oom.core.rules.victims import Victims
from watchdog_oom.core.shortage import evidence, pressure_evidence
from watchdog_oom.core.view import View
from watchdog_oom.explain.headroom import (
    CleanReport,
    LimitReport,
    RecoverReport,
    clean_report,
    limit_report,
    recover_report,
)
from watchdog_oom.lean_dataclasses import dataclass, replace

MOST_CANDIDATES = 12
SPARE_CANDIDATES = 3


class EverSince(Mapping[str, float]):
    """A history in which everything that holds now has always held, so that no ``for`` delays the rehearsal."""

    def __getitem__(self, key: str) -> float:
        return float("-inf")

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A process the emergency considers, in order; ``passed_over`` says why it is not chosen."""

    process: Process
    badness: int
    passed_over: str | None


@dataclass(frozen=True, slots=True)
class EmergencyReport:
    """Two ways lead to an emergency: all ``findings`` hold, or all ``pressing`` do for as long as the policy says."""

    emergency: Emergency
    findings: tuple[Finding, ...]
    pressing: tuple[Finding, ...]
    candidates: tuple[Candidate, ...]
    acts: bool


@dataclass(frozen=True, slots=True)
class Protection:
    """A protected process; ``wanted`` is the oom_score_adj that the policy asks for, if any."""

    rule: str
    process: Process
    wanted: int | None


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """One decision as if every ``for`` had passed, and why the other rules do nothing."""

    view: View
    plan: Plan
    limits: tuple[LimitReport, ...]
    recoveries: tuple[RecoverReport, ...]
    cleans: tuple[CleanReport, ...]
    emergency: EmergencyReport
    protections: tuple[Protection, ...]

    @property
    def acts(self) -> bool:
        """Whether anything would be done now, not only reported."""
        return bool(self.plan.intents) or any(report.runs for report in self.recoveries)

    def for_seconds(self, rule: str) -> float:
        """How long a limit must have been exceeded, or everything have waited for memory, before the rule acts; 0 for
        all that acts at once."""
        if rule == emergency.RULE:
            met = all(finding.holds for finding in self.emergency.findings)
            return 0.0 if met else self.emergency.emergency.pressure_for_seconds
        limit = self.view.policy.limits.get(rule.removeprefix("limit."))
        return limit.for_seconds if limit is not None and rule.startswith("limit.") else 0.0


def rehearse(snapshot: Snapshot, policy: Policy, history: History, budget: Budget) -> Rehearsal:
    """Decide once, and explain. ``history`` may hold the attempts and cooldowns of recoveries."""
    snapshot = remembered(snapshot, history)
    policy = with_pauses(policy, in_force(history.pauses, snapshot.clock.boottime))
    plan, after = decide(snapshot, policy, replace(history, held_since=EverSince()), budget)
    view = View(snapshot, policy)
    acting = {intent.rule for intent in plan.intents}
    return Rehearsal(
        view=view, plan=plan,
        limits=tuple(limit_report(view, limit, f"limit.{limit.name}" in acting) for limit in policy.limits.values()),
        recoveries=tuple(recover_report(view, recover, after.recoveries.get(recover.name, Recovery()))
                         for recover in policy.recovers.values()),
        cleans=tuple(clean_report(view, clean, history, rule_of(clean) in acting) for clean in policy.cleans.values()),
        emergency=_emergency(view, emergency.RULE in acting),
        protections=tuple(Protection(f"protect.{protect.name}", process, protect.oom_score_adj)
                          for protect in policy.protects.values() for process in view.matching(protect.process)))


def _emergency(view: View, acts: bool) -> EmergencyReport:
    """The candidates in order, until a few that may be chosen are found."""
    victims = Victims(view)
    candidates: list[Candidate] = []
    spare = 0
    for process in victims.ranked()[:MOST_CANDIDATES]:
        reason = victims.reason_against(process)
        candidates.append(Candidate(process, victims.badness(process), reason))
        spare += reason is None
        if spare == SPARE_CANDIDATES:
            break
    rule = view.policy.emergency
    return EmergencyReport(rule, evidence(view, rule), pressure_evidence(view, rule), tuple(candidates), acts)
