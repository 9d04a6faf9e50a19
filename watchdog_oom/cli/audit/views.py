"""The three forms in which ``audit`` shows what it was asked for: a line an act, all evidence, JSON."""

from __future__ import annotations

import json
import sys
from typing import Any, Protocol, TypeAlias

import click

from watchdog_oom import formatting
from watchdog_oom.cli.audit.acts import Act
from watchdog_oom.cli.audit.evidence import ShownEvidence, reasons_of
from watchdog_oom.cli.audit.words import colour, faults, has_failed, local_time, notes, safe_text, subject, told
from watchdog_oom.cli.output import Part, styled, wants_colour
from watchdog_oom.journal.record import FAILED, Kind

Line: TypeAlias = "tuple[Part, ...]"
_KIND_WIDTH = max(len(kind) for kind in Kind)
_RULE_WIDTH = 18
_OF_THE_DAEMON = "watchdog-oomd"
_PLAIN_KINDS = (Kind.INCIDENT, Kind.INTENT, Kind.OUTCOME)
_WORTH_TELLING_SECONDS = 1.0
_EVIDENCE = ("target", "before", "after", "took_s", "detail")
_SHOWN_ELSEWHERE = ("damaged", "faults")


class AuditView(Protocol):
    """``joins``: whether it shows an intent and its outcome as one. ``text`` is what is searched, ``show`` prints."""

    joins: bool

    def text(self, act: Act) -> str: ...

    def show(self, act: Act) -> None: ...


class JsonView:
    """The records as they are stored."""

    joins = False

    def text(self, act: Act) -> str:
        return act.entry.line.decode("utf-8", "replace")

    def show(self, act: Act) -> None:
        click.echo(act.entry.line)


class ShortView:
    """A line an act: when it began, the rule, what, the result, the first reason. ``pending`` is said of an intent
    that has no outcome."""

    joins = True

    def __init__(self, pending: str) -> None:
        self.pending = pending
        self._printer = _Printer()
        self._shown: dict[str, list[str]] = {}

    def text(self, act: Act) -> str:
        return "\n".join([_plain_text(self._line(act, reasons_of(act.entry.record))), *faults(act.entry.record)])

    def show(self, act: Act) -> None:
        record = act.entry.record
        known = self._shown.setdefault(str(record["incident"]), []) if record.get("incident") else []
        reasons = [reason for reason in reasons_of(record) if reason not in known]
        known += reasons
        self._printer.record(self._line(act, reasons), record)

    def _line(self, act: Act, reasons: list[str]) -> Line:
        begun, ended = act.entry.record, (act.outcome or act.entry).record
        kind = "" if begun["kind"] in _PLAIN_KINDS else begun["kind"]
        result = self.pending if act.under_way else ended.get("result")
        words = (kind, subject(begun), FAILED if has_failed(ended) else None, result)
        what = ": ".join(safe_text(word) for word in words if word)
        more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
        because = f"  because {reasons[0]}{more}" if reasons else ""
        return ((local_time(begun["time"]), "dim"), "  ",
                (f"{safe_text(begun.get('rule') or _OF_THE_DAEMON):<{_RULE_WIDTH}}", colour(ended)), "  ",
                f"{what}{_took(ended)}{notes(begun)}", (because, "dim"))


class LongView:
    """A line a record, with all its reasons; what was measured stands below it."""

    joins = False

    def __init__(self, evidence: ShownEvidence) -> None:
        self._evidence = evidence
        self._printer = _Printer()

    def text(self, act: Act) -> str:
        record = act.entry.record
        reasons = "; ".join(reasons_of(record))
        return "\n".join([_plain_text(self._line(record, f"  because {reasons}" if reasons else "")), *faults(record),
                          *_measured(record)])

    def show(self, act: Act) -> None:
        record = act.entry.record
        title = self._evidence.title(record)
        if title:
            self._printer.line((title, colour({"kind": Kind.INCIDENT})))
        self._printer.record(self._line(record, self._evidence.reasons(record)), record)
        for line in _measured(record):
            self._printer.line((f"    {line}", "dim"))

    def _line(self, record: dict[str, Any], because: str) -> Line:
        rule = f"  [{safe_text(record['rule'])}]" if record.get("rule") else ""
        return ((local_time(record["time"]), "dim"), "  ",
                (f"{safe_text(record['kind']):<{_KIND_WIDTH}}", colour(record)), "  ",
                f"{told(record)}{rule}{notes(record)}".strip(), (because, "dim"))


def _took(record: dict[str, Any]) -> str:
    seconds = record.get("took_s")
    if record["kind"] != Kind.OUTCOME or not isinstance(seconds, int | float) or seconds < _WORTH_TELLING_SECONDS:
        return ""
    return f" ({formatting.duration(seconds)})"


def _measured(record: dict[str, Any]) -> list[str]:
    """What a record holds beside its words, a line a key."""
    found = {key: record[key] for key in _EVIDENCE if record.get(key) is not None}
    if isinstance(found.get("detail"), dict):
        found["detail"] = {key: value for key, value in found["detail"].items() if key not in _SHOWN_ELSEWHERE}
    return [f"{key}: {safe_text(_plain(value))}" for key, value in found.items() if value != {}]


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(inner)}" for key, inner in value.items() if inner is not None)
    return value if isinstance(value, str) else json.dumps(value)


def _plain_text(line: Line) -> str:
    return "".join([part if isinstance(part, str) else part[0] for part in line])


class _Printer:
    """Prints on what is the standard output when it is made."""

    def __init__(self) -> None:
        self._encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        self._colour = wants_colour()

    def record(self, line: Line, record: dict[str, Any]) -> None:
        self.line(*line)
        for fault in faults(record):
            self.line((f"    {fault}", "red"))

    def line(self, *parts: Part) -> None:
        whole = _plain_text(parts) if not self._colour else "".join(
            [part if isinstance(part, str) else styled(*part) if all(part) else part[0] for part in parts])
        click.echo(whole.encode(self._encoding, "backslashreplace").decode(self._encoding), color=self._colour)
