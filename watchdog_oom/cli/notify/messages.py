"""A delivery as a message for people and for programs. Pure.

What may become a header or an argument, the subject, has nothing in it but this host's name, the rule's and our own
words; what processes are called stands in the text alone.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from watchdog_oom import formatting
from watchdog_oom.cli.notify.cases import CaseKind, NotifyCase, ToldStage
from watchdog_oom.cli.notify.schedule import Delivery

LONGEST_SUBJECT = 160
_UNSAFE = re.compile(r"[^A-Za-z0-9 ._,:;()\[\]/@+-]")
_FOR_PEOPLE = "watchdog-oom audit --incident"


@dataclass(frozen=True, slots=True)
class NotifyMessage:
    """``id`` is the same whenever the same is sent again. ``replies_to`` is the id of the message that began its
    thread, or would have begun it, had the incident not been over before; empty for that one. ``data`` is what a
    program gets beside them."""

    event: str
    subject: str
    text: str
    id: str
    replies_to: str
    data: Mapping[str, Any]


def message_of(delivery: Delivery, host: str, now: float) -> NotifyMessage:
    if len(delivery.parts) > 1:
        return _together(delivery, host, now)
    (case, stage), = delivery.parts
    told = case.told_to(delivery.target.name)
    thread = _token(host, case.name, str(case.opened))
    event = case.kind.value if case.kind is not CaseKind.INCIDENT else stage.value
    first = case.kind is not CaseKind.INCIDENT or stage is ToldStage.OPENED
    return NotifyMessage(
        event, _subject(host, case, stage, told, now), "\n".join((*_lines(case, stage, now), "")),
        thread if first else f"{thread}.{stage}", "" if first else thread,
        {"cases": [_data(case)]})


def trial(host: str, now: float) -> NotifyMessage:
    """What ``--test`` sends."""
    text = f"This is a test of watchdog-oom on {host}, sent at {_moment(now)}. Nothing has happened.\n"
    subject = header_text(f"[{host}] watchdog-oom: a test")
    return NotifyMessage("test", subject, text, _token(host, "test", str(now)), "", {"cases": []})


def header_text(text: str) -> str:
    """ASCII without anything that could end a header, begin an option or move a cursor, and short."""
    return _UNSAFE.sub("?", text)[:LONGEST_SUBJECT]


def _subject(host: str, case: NotifyCase, stage: ToldStage, told: ToldStage, now: float) -> str:
    return header_text(f"[{host}] {_headline(case, stage, told, now)}")


def _headline(case: NotifyCase, stage: ToldStage, told: ToldStage, now: float) -> str:
    match case.kind:
        case CaseKind.DIGEST:
            return "watchdog-oom: the night"
        case CaseKind.ALARM:
            return f"{case.rule}: needs attention"
        case CaseKind.ACTS:
            acts = formatting.count(len(case.steps) + case.left_out, "act")
            return f"{case.rule}: {acts}{', something FAILED' if case.ok is False else ''}"
    if stage is ToldStage.ESCALATED:
        return f"{case.rule}: STILL OPEN after {formatting.duration(max(0.0, now - case.opened))}"
    if stage is ToldStage.OPENED:
        return f"{case.rule}: an incident began"
    begun = "an incident, " if told is ToldStage.NOTHING else ""
    how = {True: "over", False: "over, but FAILED", None: "over"}[case.ok]
    return f"{case.rule}: {begun}{how} after {formatting.duration(max(0.0, (case.ended or now) - case.opened))}"


def _lines(case: NotifyCase, stage: ToldStage, now: float) -> Iterator[str]:
    """The whole case, as far as it is known."""
    if case.kind is CaseKind.DIGEST:
        yield case.text
        return
    if case.kind is CaseKind.INCIDENT:
        yield f"Rule {case.rule} began an incident at {_moment(case.opened)}."
        if case.ended is not None:
            yield f"It ended at {_moment(case.ended)}, after {formatting.duration(max(0.0, case.ended - case.opened))}."
        elif stage is ToldStage.ESCALATED:
            yield f"It has not ended after {formatting.duration(max(0.0, now - case.opened))}: somebody should look."
        else:
            yield "It is under way."
    else:
        yield f"{case.rule}, at {_moment(case.opened)}:"
    if case.result:
        yield f"Result: {case.result}"
    yield from _listed("Because:", case.because)
    left_out = (f"({formatting.count(case.left_out, 'earlier step')} not shown)",) if case.left_out else ()
    yield from _listed("What was done:", (*left_out, *case.steps) if case.steps else ())
    yield ""
    yield f"All of it: {_FOR_PEOPLE} {case.name}" if case.kind is CaseKind.INCIDENT else "All of it: watchdog-oom audit"


def _listed(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield ""
        yield title
        yield from (f"  {line}" for line in lines)


def _together(delivery: Delivery, host: str, now: float) -> NotifyMessage:
    """Very many cases, each in a line: they came while nothing could be sent, or faster than the rate allows."""
    parts = delivery.parts
    lines = [f"{_moment(case.opened)}  {_headline(case, stage, case.told_to(delivery.target.name), now)}"
             + (f": {case.result}" if case.result else "") for case, stage in parts]
    count = formatting.count(len(parts), "matter")
    text = "\n".join((f"{count} came together, or while nothing could be sent:", "", *lines, "",
                      "All of it: watchdog-oom audit", ""))
    name = "+".join(f"{case.name}.{stage}" for case, stage in parts)
    return NotifyMessage("summary", header_text(f"[{host}] watchdog-oom: {count}"), text, _token(host, name), "",
                         {"cases": [_data(case) for case, _ in parts]})


def _data(case: NotifyCase) -> dict[str, Any]:
    return {"name": case.name, "kind": case.kind.value, "rule": case.rule, "opened": case.opened, "ended": case.ended,
            "ok": case.ok, "result": case.result, "because": list(case.because), "steps": list(case.steps),
            "left_out": case.left_out}


def _token(*parts: str) -> str:
    return sha256("\0".join(parts).encode("utf-8", "backslashreplace")).hexdigest()[:32]


def _moment(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
