"""``watchdog-oom plan --explain PID``: the page about one process, and the same as plain values."""

from __future__ import annotations

from typing import Any

from watchdog_oom import formatting
from watchdog_oom.cli.output import Page
from watchdog_oom.core.model import Process, Snapshot
from watchdog_oom.core.view import View
from watchdog_oom.errors import UsageError
from watchdog_oom.explain.one_process import ProcessReport, report_on


def explained(view: View, pid: int) -> ProcessReport:
    """Raises UsageError where no such process was read."""
    process = view.snapshot.processes.get(pid)
    if process is None:
        raise UsageError(f"there is no process {pid}, or it ended while the host was read")
    return report_on(view, process)


def explain_page(report: ProcessReport, snapshot: Snapshot) -> Page:
    page, process = Page(), report.process
    page.title(f"{process.label}, {formatting.size(process.rss_bytes)}, "
               f"{formatting.duration(process.age_seconds(snapshot.clock))} old")
    page.line(_known(process), indent=1)
    page.title("Nouns")
    for noun in report.nouns:
        words = ("yes", "bold red") if noun.why_not is None else ("no ", "green")
        page.line(words, f" {noun.noun}", f": {noun.why_not}" if noun.why_not else "", indent=1)
    if not report.nouns:
        page.line("the policy has none", indent=1)
    page.title("Rules")
    for rule in report.rules:
        mark = ("yes", "bold red") if rule.noun is not None else ("no ", "green")
        page.line(mark, f" {rule.rule}: {rule.words}", f" (as {rule.noun})" if rule.noun is not None else "", indent=1)
    page.line("never touched: " + report.untouchable if report.untouchable else
              "may be ended by a rule about it, and in an emergency", indent=1)
    return page


def _known(process: Process) -> str:
    """The facts that were read; the others decide nothing."""
    facts = process.facts
    told = {"exe": facts.exe, "user": facts.user or facts.uid, "unit": facts.user_unit or facts.unit,
            "parent": process.ppid}
    return ", ".join(f"{key} {formatting.printable(str(value))}" for key, value in told.items() if value is not None)


def explain_plain(report: ProcessReport) -> dict[str, Any]:
    return {"pid": report.process.pid, "name": report.process.comm, "untouchable": report.untouchable,
            "nouns": [{"noun": noun.noun, "matches": noun.why_not is None, "why_not": noun.why_not}
                      for noun in report.nouns],
            "rules": [{"rule": rule.rule, "noun": rule.noun, "about": rule.words} for rule in report.rules]}
