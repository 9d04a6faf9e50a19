"""The JSON of ``watchdog-oom plan``, as docs/commands.md describes it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from watchdog_oom.cli.process_details import DetailReader
from watchdog_oom.core.actions import Intent
from watchdog_oom.core.condition import Finding
from watchdog_oom.core.model import Process, Snapshot
from watchdog_oom.daemon.status_file import memory_plain, pressure_plain
from watchdog_oom.explain.headroom import CleanReport, LimitReport, Measure, RecoverReport
from watchdog_oom.explain.rehearsal import EmergencyReport, Rehearsal
from watchdog_oom.journal.targets import describe, target_of

JSON_VERSION = 1


class Host(Protocol):
    """A host as it was looked at, now or in a recording."""

    @property
    def snapshot(self) -> Snapshot: ...

    def describable(self, process: Process) -> Process:
        """The process with all its facts, for output."""


def to_plain(rehearsal: Rehearsal, host: Host, notes: Iterable[str],
             details: DetailReader) -> dict[str, object]:
    policy, plan = rehearsal.view.policy, rehearsal.plan
    return {
        "v": JSON_VERSION, "acts": rehearsal.acts, "description": policy.description, "sources": policy.sources,
        "notes": list(notes), "host": _host(host.snapshot),
        "steps": [_step(rehearsal, host, intent) for intent in plan.intents],
        "refused": [{"step": str(refusal.intent.action), "rule": refusal.intent.rule, "reason": refusal.reason,
                     "because": refusal.intent.because} for refusal in plan.refusals],
        "reports": [{"rule": note.rule, "words": note.result, "because": note.because}
                    for note in plan.notes if note.incident is None],
        "emergency": _emergency(rehearsal.emergency, host, details),
        "limits": [_limit(report) for report in rehearsal.limits],
        "recoveries": [_recovery(report) for report in rehearsal.recoveries],
        "cleans": [_clean(report) for report in rehearsal.cleans],
        "protections": [{"rule": protection.rule, **_who(protection.process),
                         "oom_score_adj": protection.process.oom_score_adj, "wanted": protection.wanted}
                        for protection in rehearsal.protections]}


def _host(snapshot: Snapshot) -> dict[str, object]:
    return {"memory": memory_plain(snapshot.memory), "memory_problem": snapshot.memory_problem or None,
            "pressure": pressure_plain(snapshot.pressure), "processes": len(snapshot.processes)}


def _step(rehearsal: Rehearsal, host: Host, intent: Intent) -> dict[str, object]:
    return {"step": str(intent.action), "rule": intent.rule, "because": intent.because,
            "for_seconds": rehearsal.for_seconds(intent.rule),
            "target": target_of(intent.action, host.snapshot, rehearsal.view.policy, host.describable)}


def _emergency(report: EmergencyReport, host: Host, details: DetailReader) -> dict[str, object]:
    return {"mode": report.emergency.mode.value, "acts": report.acts, "conditions": _conditions(report.findings),
            "pressure": {"for_seconds": report.emergency.pressure_for_seconds,
                         "conditions": _conditions(report.pressing)},
            "candidates": [{**describe(host.describable(candidate.process), host.snapshot.clock),
                            **details.of(candidate.process).to_plain(),
                            "badness": candidate.badness, "passed_over": candidate.passed_over}
                           for candidate in report.candidates]}


def _limit(report: LimitReport) -> dict[str, object]:
    limit = report.limit
    return {"rule": report.rule, "process": limit.process, "then": limit.then.value, "for_seconds": limit.for_seconds,
            "exceeds": limit.exceeds.value, "first": limit.first.value, "acts": report.acts,
            "group": _measures(report.group),
            "processes": [{**_who(limited.process), "limits": _measures(limited.measures),
                           "untouchable": limited.untouchable} for limited in report.processes]}


def _recovery(report: RecoverReport) -> dict[str, object]:
    recover = report.recover
    return {"rule": report.rule, "runs": report.runs, "why_not": report.why_not or None, "mode": recover.mode.value,
            "hours": str(recover.hours),
            "clauses": [{"for_seconds": clause.for_seconds, "holds": clause.holds,
                         "conditions": _conditions(clause.findings)} for clause in report.clauses],
            "steps": [{"step": step.step, "now": step.now or None} for step in report.steps]}


def _clean(report: CleanReport) -> dict[str, object]:
    clean = report.clean
    return {"rule": report.rule, "runs": not report.why_not, "why_not": report.why_not or None, "spool": clean.spool,
            "mode": clean.mode.value, "hours": str(clean.hours), "every_seconds": clean.every_seconds,
            "due_seconds": round(report.due_seconds, 1), "now": report.now}


def _conditions(findings: Iterable[Finding]) -> list[dict[str, object]]:
    return [{"holds": finding.holds if finding.known else None, "words": finding.words} for finding in findings]


def _measures(measures: Iterable[Measure]) -> list[dict[str, object]]:
    return [{"limit": measure.limit, "words": measure.words, "share": measure.share} for measure in measures]


def _who(process: Process) -> dict[str, object]:
    return {"pid": process.pid, "start": process.id.start_ticks, "name": process.comm}
