"""A record of the journal, and the case that it opens, goes on with or ends. Pure.

The state of an incident is in the first word of ``result``, as docs/operations.md lists it; other words are only shown.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from watchdog_oom.cli.notify.cases import MOST_REASONS, CaseKind, NotifyCase, words_of
from watchdog_oom.core.rules.lost_senses import BLIND
from watchdog_oom.journal.record import Kind
from watchdog_oom.journal.told import CLOSED, HELD, time_of, truth_of

TOGETHER_SECONDS = 600.0  # what a rule ends outside of incidents is one case for so long, until somebody was told of it
RESTARTED = "the daemon was started anew meanwhile: how it ended is not known"
EMERGENCY = "emergency"
_ENDINGS = ("TERM", "KILL")
_NOT_TOLD = ("protect", "hook")  # a score that could not be set, time and again, is for `status`


def folded(cases: Mapping[str, NotifyCase], record: Mapping[str, Any]) -> tuple[NotifyCase, ...]:
    """The cases that this record changes or opens, as they are after it."""
    at = time_of(record)
    if at is None:
        return ()
    kind, incident = record.get("kind"), words_of(record.get("incident"), 120)
    if kind == Kind.START:
        return tuple(replace(case, ended=at, last=at, result=RESTARTED) for case in cases.values()
                     if case.rule == EMERGENCY and case.kind is CaseKind.INCIDENT and case.ended is None)
    if incident:
        return _of_incident(cases.get(incident), incident, record, at)
    if kind == Kind.INCIDENT:
        return _alarm(record, at)
    if kind == Kind.OUTCOME:
        return _act(cases.values(), record, at)
    if kind == Kind.POLICY:
        return _broken_policy(record, at)
    return ()


def _of_incident(case: NotifyCase | None, name: str, record: Mapping[str, Any], at: float) -> tuple[NotifyCase, ...]:
    kind, step, result = record.get("kind"), words_of(record.get("step")), words_of(record.get("result"))
    if kind not in (Kind.INCIDENT, Kind.OUTCOME, Kind.REFUSED, Kind.RECOVERED):
        return ()
    if case is None:
        if kind != Kind.INCIDENT:  # the rest of an incident that everybody was told of
            return ()
        case = NotifyCase(name, CaseKind.INCIDENT, words_of(record.get("rule"), 80), at, at)
    case = replace(case, last=max(case.last, at), because=case.because or _reasons(record))
    if kind == Kind.INCIDENT and not step:
        if result.startswith(CLOSED):
            return (replace(case, ended=at, ok=truth_of(record), result=result),)
        return (case if result == "opened" else case.with_step(f"{_clock(at)} {result}"),)
    return (case.with_step(_line(record, at)),)


def _alarm(record: Mapping[str, Any], at: float) -> tuple[NotifyCase, ...]:
    """What the daemon says outside of incidents, where somebody should look."""
    result, rule = words_of(record.get("result")), words_of(record.get("rule"), 80)
    held = result.startswith(HELD)
    blind = result.startswith(BLIND)
    failed = record.get("ok") is False and not _is_not_told(record)
    if not (held or blind or failed):
        return ()
    return (_at_once(record, CaseKind.ALARM, rule or "daemon", at, result, urgent=held or blind),)


def _broken_policy(record: Mapping[str, Any], at: float) -> tuple[NotifyCase, ...]:
    detail = record.get("detail")
    faults = detail.get("faults") if isinstance(detail, dict) else None
    if not isinstance(faults, list) or not faults:
        return ()
    case = _at_once(record, CaseKind.ALARM, "policy", at, words_of(record.get("result")))
    return (replace(case, because=tuple(words_of(fault) for fault in faults[:MOST_REASONS])),)


def _act(cases: Iterable[NotifyCase], record: Mapping[str, Any], at: float) -> tuple[NotifyCase, ...]:
    """Outside of incidents: a process that a rule ended, and what failed."""
    step, rule = words_of(record.get("step")), words_of(record.get("rule"), 80)
    ended = step.partition(" ")[0] in _ENDINGS
    if not (ended or (record.get("ok") is False and not _is_not_told(record))):
        return ()
    known = next((case for case in cases if case.kind is CaseKind.ACTS and case.rule == rule and not case.told
                  and 0 <= at - case.opened <= TOGETHER_SECONDS), None)
    case = known or _at_once(record, CaseKind.ACTS, rule, at, "")
    failed = False if record.get("ok") is False else case.ok
    return (replace(case.with_step(_line(record, at)), last=at, ended=at, ok=failed),)


def _at_once(record: Mapping[str, Any], kind: CaseKind, rule: str, at: float, result: str, *,
             urgent: bool = False) -> NotifyCase:
    """A case of which no end is waited for."""
    return NotifyCase(f"{rule}@{record.get('seq')}", kind, rule, at, at, _reasons(record), ended=at,
                      ok=truth_of(record), result=result, urgent=urgent)


def _is_not_told(record: Mapping[str, Any]) -> bool:
    return any(words_of(record.get(key)).startswith(_NOT_TOLD) for key in ("rule", "step"))


def _line(record: Mapping[str, Any], at: float) -> str:
    failed = "failed" if record.get("kind") == Kind.OUTCOME and record.get("ok") is False else ""
    said = (words_of(record.get("step")), failed, words_of(record.get("result")))
    return f"{_clock(at)} {': '.join(part for part in said if part)}"


def _clock(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at))


def _reasons(record: Mapping[str, Any]) -> tuple[str, ...]:
    found = record.get("because")
    return tuple(words_of(reason) for reason in found[:MOST_REASONS]) if isinstance(found, list) else ()
