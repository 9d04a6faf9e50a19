"""The page as plain text, for mail bodies and terminals."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from watchdog_oom import formatting
from watchdog_oom.report.kernel_kills import sources_told
from watchdog_oom.report.model import Night, NightIncident
from watchdog_oom.report.steps import step_rows
from watchdog_oom.report.words import capital, clock, day_and_time, exact

WIDTH = 78
MOST_INCIDENTS = 20
MOST_STEPS = 15


def text_of(night: Night) -> str:
    """The whole page; of a quiet night one line, and what the report could not read."""
    lines = _wrapped(night.headline)
    if night.quiet:
        lines += _items(night.troubles)
        return "\n".join(lines) + "\n"
    since, until = day_and_time(night.span.since), day_and_time(night.span.until)
    lines += ["", f"{night.host or 'A host without a name'}, {since} to {until}"]
    for title, section in _sections(night):
        if section:
            lines += ["", title, "-" * len(title), *section]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _sections(night: Night) -> Iterator[tuple[str, list[str]]]:
    yield "What this report could not read", _items(night.troubles)
    yield "Still held, paused or owed", _items(night.standing)
    yield "The likely trigger", _trigger(night)
    yield "What to do now", _advice(night)
    yield "Incidents", [line for number, incident in enumerate(night.incidents[:MOST_INCIDENTS])
                        for line in _incident(incident, night.sentences[incident.name or str(number)])] + (
        [f"{len(night.incidents) - MOST_INCIDENTS} more; watchdog-oom audit lists them"]
        if len(night.incidents) > MOST_INCIDENTS else [])
    yield "Who held the memory at the worst moment", _holders(night)
    yield "What the kernel killed", [
        *_wrapped(" ".join(f"{exact(report.at)}: {report.words}" for report in night.kernel_reports[:5])),
        *_items(f"{exact(kill.at)} {kill.name}[{kill.pid}]{' in a control group at its limit' if kill.in_group else ''}"
                for kill in night.history.kernel_kills[:50]),
        *_wrapped(sources_told(night.history.kernel_kills, night.history.unnamed_kills))]
    yield "Routine", _items(night.routine)
    yield "The daemon itself", _items(night.health)
    yield "Rules that did nothing", _wrapped(", ".join(night.idle_rules or ()))


def _trigger(night: Night) -> list[str]:
    trigger = night.trigger
    if trigger is None:
        return []
    return [*_wrapped(f"{capital(trigger.words)} (how sure: {trigger.sure})."),
            *_items(trigger.why)]


def _advice(night: Night) -> list[str]:
    lines: list[str] = []
    for number, advice in enumerate(night.advice, 1):
        lines += textwrap.wrap(advice.words, WIDTH, initial_indent=f"{number}. ", subsequent_indent="   ")
        for block in (advice.policy, advice.command):
            lines += [f"       {line}" for line in block.splitlines()]
    return lines


def _incident(incident: NightIncident, sentence: str) -> Iterator[str]:
    yield from textwrap.wrap(f"{exact(incident.opened)} [{incident.rule}] {sentence}", WIDTH, subsequent_indent="   ")
    for reason in incident.because:
        yield from textwrap.wrap(f"because {reason}", WIDTH, initial_indent="   ", subsequent_indent="     ")
    rows = step_rows(incident)
    for row in rows[:MOST_STEPS]:
        took = f" ({row.took})" if row.took else ""
        words = " ".join(part for part in (row.time, f"{row.what}:", row.result, took.strip()) if part)
        yield from textwrap.wrap(words, WIDTH, initial_indent="   ", subsequent_indent="            ")
    if len(rows) > MOST_STEPS:
        yield f"   and {len(rows) - MOST_STEPS} more"


def _holders(night: Night) -> list[str]:
    if not night.holders or night.fall is None:
        return []
    return [f"At {clock(night.fall.worst.at)}; in parentheses at {clock(night.fall.before.at)}:",
            *(f"  {formatting.size(holder.held_bytes):>9}  ({formatting.size(holder.before_bytes):>9})  "
              f"{holder.count:>4} × {holder.name}" for holder in night.holders)]


def _items(lines: Iterable[str]) -> list[str]:
    return [part for line in lines for part in textwrap.wrap(
        capital(line), WIDTH, initial_indent="* ", subsequent_indent="  ")]


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH)
