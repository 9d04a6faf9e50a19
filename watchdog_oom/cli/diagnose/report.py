"""The two forms of a diagnosis, written event by event, so that a log of any length needs no more memory."""

from __future__ import annotations

import json
from collections import Counter, OrderedDict
from collections.abc import Mapping
from typing import Any, Protocol

import click

from watchdog_oom.cli.diagnose.host import HostSetting
from watchdog_oom.cli.diagnose.page import event_page, paragraph, prevention_page, stamp, summary_page
from watchdog_oom.cli.output import Page, show
from watchdog_oom.kernel_log.diagnosis import Diagnosis
from watchdog_oom.kernel_log.json_form import VERSION, event_json
from watchdog_oom.kernel_log.prevention import Prevention

_REMEMBERED = 512


class Report(Protocol):
    """Takes one diagnosis after the other; ``end`` closes what was begun, with what is known at the end."""

    def event(self, diagnosis: Diagnosis, log: str) -> None: ...

    def end(self, settings: tuple[HostSetting, ...], counted_kills: int | None, missing: str, copies: int) -> None: ...


class PageReport:
    """Pages for people. What would have prevented an event is told once, not with each that is like it."""

    def __init__(self) -> None:
        self._number = 0
        self._kills = 0
        self._names: Counter[str] = Counter()
        self._times: list[str] = []
        self._told: OrderedDict[str, int] = OrderedDict()
        self._old_advice: dict[str, None] = {}

    def event(self, diagnosis: Diagnosis, log: str) -> None:
        event = diagnosis.event
        self._number += 1
        page = event_page(self._number, diagnosis, f"{log}, {_lines(event.first_line, event.last_line)}")
        self._prevention(page, diagnosis)
        if self._number > 1:
            click.echo()
        show(page)
        self._count(diagnosis)

    def _prevention(self, page: Page, diagnosis: Diagnosis) -> None:
        whole = diagnosis.prevention
        before = sorted({self._told[words] for words in (whole.policy, *whole.settings, *whole.host)
                         if words in self._told})
        prevention_page(page, Prevention(self._new(whole.policy), tuple(filter(None, map(self._new, whole.settings))),
                                         tuple(filter(None, map(self._new, whole.host)))))
        if before:
            paragraph(page, "prevention", f"as of {', '.join(map(str, before))}.")

    def _new(self, words: str) -> str:
        """The words, unless they were told before."""
        if words in self._told:
            return ""
        self._told[words] = self._number
        if len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)
        return words

    def _count(self, diagnosis: Diagnosis) -> None:
        killed = [kill.comm for kill in diagnosis.event.kills if not kill.again]
        self._kills += len(killed)
        self._names.update(comm for comm in killed if comm in self._names or len(self._names) < _REMEMBERED)
        self._old_advice.update(dict.fromkeys(diagnosis.old_advice))
        when = stamp(diagnosis.event)
        if when:
            self._times = [*self._times[:1], when]

    def end(self, settings: tuple[HostSetting, ...], counted_kills: int | None, missing: str, copies: int) -> None:
        page = Page()
        if self._number > 1:
            summary_page(page, list(self._names.items()), self._number, self._kills, self._times)
        if missing:
            paragraph(page, "missing", f"{missing[:1].upper()}{missing[1:]}.", "yellow")
        if copies:
            told = "event stands" if copies == 1 else "events stand"
            paragraph(page, "twice", f"{copies:,} {told} in these logs a second time, and {_is(copies)} told once.")
        for advice in self._old_advice:
            paragraph(page, "old advice", f"{advice}.")
        if settings:
            page.title("this host")
            for setting in settings:
                style = {True: "green", False: "yellow", None: ""}[setting.good]
                page.line((f"{setting.name} {setting.value}", style), f": {setting.judgement}", indent=1)
        if page.lines():
            click.echo()
            show(page)


class JsonReport:
    """One JSON document. It is written piece by piece, so its end tells what is known only then."""

    def __init__(self) -> None:
        self._begun = False

    def event(self, diagnosis: Diagnosis, log: str) -> None:
        text = json.dumps(to_plain(diagnosis, log), indent=2, allow_nan=False)
        click.echo(f"{',' if self._begun else self._head()}\n{_indented(text)}", nl=False)
        self._begun = True

    def end(self, settings: tuple[HostSetting, ...], counted_kills: int | None, missing: str, copies: int) -> None:
        host = None if not settings and counted_kills is None else {
            "kills_counted": counted_kills,
            "settings": [{"name": one.name, "value": one.value, "judgement": one.judgement, "good": one.good}
                         for one in settings]}
        close = "\n  ]" if self._begun else f"{self._head()}]"
        click.echo(f'{close},\n  "missing": {json.dumps(missing or None)},\n  "copies": {copies},\n'
                   f'  "host": {json.dumps(host)}\n}}')

    def _head(self) -> str:
        return f'{{\n  "v": {VERSION},\n  "events": ['


def to_plain(diagnosis: Diagnosis, log: str) -> Mapping[str, Any]:
    """One event as plain values: its facts, and what was judged of them."""
    plain = event_json(diagnosis.event, [str(one.kind) for one in diagnosis.short], diagnosis.words)
    return {**plain, "log": log, "lines": [diagnosis.event.first_line, diagnosis.event.last_line],
            "evidence": [one.evidence for one in diagnosis.short],
            "request": list(diagnosis.request.names),
            "holders": [{"comm": group.comm, "count": group.count, "rss_bytes": group.rss_bytes,
                         "swap_bytes": group.swap_bytes if diagnosis.held.swap_told else None,
                         "share": round(group.share, 4)} for group in diagnosis.held.groups],
            "why": list(diagnosis.why), "before": list(diagnosis.before),
            "prevention": {"policy": diagnosis.prevention.policy or None,
                           "settings": list(diagnosis.prevention.settings), "host": list(diagnosis.prevention.host)},
            "old_advice": list(diagnosis.old_advice), "contradicts": diagnosis.contradicts or None}


def _is(number: int) -> str:
    return "is" if number == 1 else "are"


def _lines(first: int, last: int) -> str:
    return f"line {first:,}" if first == last else f"lines {first:,} to {last:,}"


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
