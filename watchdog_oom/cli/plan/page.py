"""The page of ``watchdog-oom plan``."""

from __future__ import annotations

from collections.abc import Iterable

from watchdog_oom import formatting
from watchdog_oom.cli.output import Page, Part
from watchdog_oom.cli.process_details import DetailReader, ProcessDetails, listens_on
from watchdog_oom.core.condition import Finding
from watchdog_oom.core.model import Clock, Process, Snapshot
from watchdog_oom.core.policy import Exceeds, Mode
from watchdog_oom.core.rules.lost_senses import BLIND
from watchdog_oom.core.rules.victims import held
from watchdog_oom.explain.headroom import CleanReport, LimitReport, RecoverReport
from watchdog_oom.explain.rehearsal import EmergencyReport, Protection, Rehearsal

MOST_PROCESSES = 8
MARKS = {True: ("yes", "red"), False: ("no ", "green"), None: ("?  ", "yellow")}


def page_of(rehearsal: Rehearsal, notes: Iterable[str], details: DetailReader, title: str = "This host") -> Page:
    page = Page()
    page.title(title)
    _host(page, rehearsal.view.snapshot)
    _would(page, rehearsal)
    page.title("Why and why not")
    _emergency(page, rehearsal.emergency, rehearsal.view.snapshot.clock, details)
    for limit in rehearsal.limits:
        _limit(page, limit)
    for recovery in rehearsal.recoveries:
        _recovery(page, recovery)
    for clean in rehearsal.cleans:
        _clean(page, clean)
    _protections(page, rehearsal.protections)
    notes = tuple(notes)
    if notes:
        page.title("Notes")
    for note in notes:
        page.line(note, indent=1)
    return page


def _host(page: Page, snapshot: Snapshot) -> None:
    memory, pressure = snapshot.memory, snapshot.pressure
    if memory is None:
        page.line((BLIND, "bold red"), (f" ({snapshot.memory_problem})" if snapshot.memory_problem else ""), indent=1)
    else:
        swap = (f"{formatting.size(memory.swap_free_bytes)} of {formatting.size(memory.swap_total_bytes)} free "
                f"({formatting.percent(memory.swap_free_percent)})") if memory.swap_total_bytes else "none"
        zfs = f", {formatting.size(memory.zfs_bytes)} of it ZFS cache" if memory.zfs_bytes else ""
        page.line(f"memory: {formatting.size(memory.available_bytes)} of {formatting.size(memory.total_bytes)} "
                  f"available ({formatting.percent(memory.available_percent)}{zfs}); swap: {swap}", indent=1)
        if memory.group:
            page.line(f"bound by the control group {formatting.printable(memory.group)}", indent=1)
    if pressure is not None:
        page.line(f"pressure over 10 s: some {formatting.percent(pressure.some_avg10_percent)}, "
                  f"full {formatting.percent(pressure.full_avg10_percent)}", indent=1)
    page.line(f"processes: {len(snapshot.processes)}", indent=1)


def _would(page: Page, rehearsal: Rehearsal) -> None:
    page.title("Would be done now" if rehearsal.acts else "Nothing would be done now")
    for intent in rehearsal.plan.intents:
        page.line((str(intent.action), "bold red"), f"  [{intent.rule}]", _once(rehearsal.for_seconds(intent.rule)),
                  indent=1)
        for reason in intent.because:
            page.line(("because ", "dim"), reason, indent=2)
    for report in rehearsal.recoveries:
        if report.runs:
            _run(page, report)
    for refusal in rehearsal.plan.refusals:
        page.line((str(refusal), "yellow"), indent=1)
    for note in rehearsal.plan.notes:
        if note.incident is None:
            page.line(str(note), indent=1)


def _run(page: Page, report: RecoverReport) -> None:
    page.line((f"{report.rule} would run", "bold red"), indent=1)
    for clause in report.clauses:
        if clause.holds:
            page.line(("because ", "dim"), _together(clause.findings), _once(clause.for_seconds), indent=2)
    for number, step in enumerate(report.steps, 1):
        page.line(f"{number}. {step.step}", (f"  ({step.now})" if step.now else "", "dim"), indent=2)


def _emergency(page: Page, report: EmergencyReport, clock: Clock, details: DetailReader) -> None:
    mode = "" if report.emergency.mode is Mode.ACT else "  (only observes)"
    page.line(("emergency", "bold"), mode, indent=1)
    for finding in report.findings:
        _condition(page, finding)
    if report.pressing:
        page.line("or", _once(report.emergency.pressure_for_seconds), ":", indent=2)
    for finding in report.pressing:
        _condition(page, finding, indent=3)
    page.line("in an emergency, in this order:", indent=2)
    for candidate in report.candidates:
        process = candidate.process
        told: Part = (f"passed over: {candidate.passed_over}", "dim") if candidate.passed_over else "would be ended"
        page.line(f"{process.label}, {held(process)}, badness {candidate.badness}: ", told,
                  (f"  ({_about(process, clock, details.of(process))})", "dim"), indent=3)
    if not report.candidates:
        page.line("nobody", indent=3)


def _about(process: Process, clock: Clock, known: ProcessDetails) -> str:
    """Whose it is, and what would be missed without it."""
    parts = [known.user or process.facts.user, known.terminal and f"on {known.terminal}",
             f"{formatting.duration(process.age_seconds(clock))} old",
             listens_on(known.listens or ())]
    return ", ".join(part for part in parts if part)


def _limit(page: Page, report: LimitReport) -> None:
    limit = report.limit
    page.line((report.rule, "bold"), f"  {len(report.processes)} of {limit.process}, then {limit.then}",
              _once(limit.for_seconds), _all_of(report), indent=1)
    for measure in report.group:
        page.line(*_measure(measure.words, measure.share), indent=2)
    for limited in report.processes[:MOST_PROCESSES]:
        parts: list[Part] = []
        for measure in limited.measures:
            parts += ["; " if parts else ": ", *_measure(measure.words, measure.share)]
        kept = f"  (never touched: {limited.untouchable})" if limited.untouchable else ""
        page.line(limited.process.label, *parts, (kept, "dim"), indent=2)
    if len(report.processes) > MOST_PROCESSES:
        page.line(f"and {len(report.processes) - MOST_PROCESSES} more, all further from it", indent=2)


def _all_of(report: LimitReport) -> str:
    """Where one limit is not enough, what is."""
    if report.limit.exceeds is Exceeds.ANY:
        return ""
    if report.limit.together:
        return ", by a process beyond all limits of its own while the group is beyond all of its"
    return ", once all limits are exceeded"


def _measure(text: str, share: float | None) -> tuple[Part, ...]:
    if share is None:
        return ((text, "yellow"),)
    style = "red" if share > 1 else "yellow" if share > 0.8 else ""
    return (f"{text} ", (f"({formatting.percent(round(share * 100, 1))})", style))


def _recovery(page: Page, report: RecoverReport) -> None:
    page.line((report.rule, "bold"), "  would run" if report.runs else f"  does not run: {report.why_not}", indent=1)
    for number, clause in enumerate(report.clauses, 1):
        page.line(f"clause {number}", _once(clause.for_seconds), ": ", MARKS[clause.holds], indent=2)
        for finding in clause.findings:
            _condition(page, finding, indent=3)


def _clean(page: Page, report: CleanReport) -> None:
    every = f"every {formatting.duration(report.clean.every_seconds)}"
    page.line((report.rule, "bold"), f"  {every}, ",
              f"does not run: {report.why_not}" if report.why_not else "would run", indent=1)
    page.line(report.now, indent=2)


def _condition(page: Page, finding: Finding, indent: int = 2) -> None:
    page.line(MARKS[finding.holds if finding.known else None], f" {finding.words}", indent=indent)


def _protections(page: Page, protections: tuple[Protection, ...]) -> None:
    if protections:
        page.line(("protected", "bold"), indent=1)
    for protection in protections:
        now = protection.process.oom_score_adj
        told = f"oom_score_adj {'not readable' if now is None else now}"
        if protection.wanted is not None and protection.wanted != now:
            told += f", would be {protection.wanted}"
        page.line(f"{protection.process.label}  [{protection.rule}]: {told}", indent=2)


def _once(for_seconds: float) -> str:
    return f", once this has held for {formatting.duration(for_seconds)}" if for_seconds else ""


def _together(findings: Iterable[Finding]) -> str:
    return " and ".join(finding.words for finding in findings)
