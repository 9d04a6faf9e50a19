"""A night out of its facts: everything that the page says, whatever form it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from watchdog_oom import formatting
from watchdog_oom.core.model import Snapshot
from watchdog_oom.report.advice import advice_of
from watchdog_oom.report.decline import decline, worst_of
from watchdog_oom.report.digest import JournalDigest, digest_of
from watchdog_oom.report.health import alarming, health_of
from watchdog_oom.report.holders import holders_of
from watchdog_oom.report.kernel_kills import BY_JOURNAL, NightKernelReport, with_kills
from watchdog_oom.report.kernel_log import KernelLog, LoggedKills, logged_kills, unrecorded
from watchdog_oom.report.kernel_reports import KernelText, journaled_kills, kernel_reports
from watchdog_oom.report.model import (
    Decline,
    HostHistory,
    HostPoint,
    Night,
    NightIncident,
    NightSpan,
)
from watchdog_oom.report.recorded import recorded
from watchdog_oom.report.sentence import Storyteller, headline_of, kernel_clause
from watchdog_oom.report.standing import idle_rules, spool_paths, standing_of
from watchdog_oom.report.trigger import trigger_of
from watchdog_oom.report.untouched import untouched_of
from watchdog_oom.report.words import clock, day_and_time, safe, safe_name, sentence_of

NO_RECORDING = ("there is no recording of the host for this time, so the page has no course of memory, no holders and "
                "no trigger")
KILLS_OF = "the kernel's kills of this time are those that were told by"
NO_JOURNAL = "there is no journal here: no daemon has run with this log directory"
NO_RECORD = "the journal has no record of this time: the daemon did nothing that it would write down, or did not run"


@dataclass(frozen=True, slots=True)
class NightFacts:
    """What was gathered: records of the journal and snapshots of the recording in their order, the daemon's status if
    one runs, the host's name as the journal has it, and what could not be read, in words. ``journal`` says whether
    there is one. ``kernel_texts``, ``troubles`` and ``recorded_hosts``, the names in the recording, grow while the
    snapshots are taken. ``kernel_log`` is asked for where the recorder has nothing. ``down``: the daemon of that host
    does not run now."""

    span: NightSpan
    records: Iterable[Mapping[str, Any]]
    snapshots: Iterable[Snapshot] = ()
    status: Mapping[str, Any] | None = None
    host: str = ""
    journal: bool = True
    troubles: Sequence[str] = field(default_factory=list)
    kernel_texts: Sequence[KernelText] = field(default_factory=list)
    recorded_hosts: Sequence[str] = field(default_factory=list)
    kernel_log: Callable[[], KernelLog | None] = lambda: None
    down: bool = False


def night_of(facts: NightFacts) -> Night:
    digest = digest_of(facts.records)
    history = recorded(facts.snapshots, facts.span)
    logged = _logged(facts, history)
    reports = (*kernel_reports(facts.kernel_texts), *(logged.reports if logged is not None else ()))
    history = _with_kills(history, reports, digest)
    incidents = digest.incidents()
    told = tuple(incident for incident in incidents if incident.family != "clean" or incident.ok is False)
    paths = spool_paths(facts.status, incidents)
    fall = _fall(history, told)
    holders = holders_of(history, fall)
    trigger = trigger_of(history, fall, paths) if told or history.kernel_killed else None
    teller = Storyteller(history, paths)
    standing = standing_of(facts.status, incidents)
    health = health_of(digest, facts.status)
    untouched = untouched_of(digest.protected, facts.status, told, history)
    quiet = not (told or history.kernel_killed or reports or standing or alarming(digest))
    known = bool(digest.records or history.samples)
    return Night(
        span=facts.span, host=safe_name((*facts.recorded_hosts, facts.host)[0]), quiet=quiet, incidents=told,
        headline=headline_of(told, teller, history, untouched)
        or _without_incidents(facts.span, history, known=known, quiet=quiet),
        sentences={incident.name or str(number): sentence_of((teller.clause(incident), teller.ending(incident)))
                   for number, incident in enumerate(told)},
        routine=_routine(incidents), history=history, worst=worst_of(history.points), fall=fall, holders=holders,
        trigger=trigger, advice=advice_of(told, history, holders, trigger, facts.status), standing=standing,
        health=health, idle_rules=idle_rules(facts.status, digest.rules),
        troubles=_troubles(facts, digest, history, logged), paths=paths, kernel_reports=reports,
        known=known, down=facts.down)


def _logged(facts: NightFacts, history: HostHistory) -> LoggedKills | None:
    """What the kernel's log tells of the time without a recording; ``None`` without such a time, or such a log."""
    gaps = unrecorded(history.points, facts.span)
    log = facts.kernel_log() if gaps else None
    return None if log is None else logged_kills(log, gaps)


def _with_kills(history: HostHistory, reports: Sequence[NightKernelReport], digest: JournalDigest) -> HostHistory:
    """The history with the kills that no sample tells: the daemon may not read the kernel's log, the sample was lost,
    or none was taken."""
    kills = with_kills(history.kernel_kills, (kill for report in reports for kill in report.kills))
    kills = with_kills(kills, journaled_kills(digest.kernel_texts))
    return replace(history, kernel_kills=kills, unnamed_kills=max(0, digest.kernel_kills - len(kills)))


def _fall(history: HostHistory, incidents: Sequence[NightIncident]) -> Decline | None:
    """The fall before and while the incidents lasted; without any, that of the whole time."""
    last = max((incident.end for incident in incidents), default=None)
    fall = decline(history.points, last)
    return fall if fall is not None else decline(history.points)


def _without_incidents(span: NightSpan, history: HostHistory, *, known: bool, quiet: bool) -> str:
    """One line: nothing was done, and how near it came to anything."""
    least = worst_of(history.points)
    killed = kernel_clause(history)
    since, until = (day_and_time(moment) for moment in (span.since, span.until))
    if killed:
        return f"{killed[:1].upper()}{killed[1:]}; the daemon had nothing to do with it."
    did = "nothing had to be done" if known else "nothing is known"
    kind = "A quiet night" if quiet and known else "Without incidents"
    return f"{kind}: {did} from {since} to {until}{_least(least)}."


def _least(point: HostPoint | None) -> str:
    if point is None or point.available_percent is None:
        return ""
    swap = point.swap_used_percent
    return (f"; memory was shortest at {clock(point.at)} with {formatting.percent(round(point.available_percent))} "
            "available" + (f" and {formatting.percent(round(swap))} of swap in use" if swap is not None else ""))


def _routine(incidents: Sequence[NightIncident]) -> tuple[str, ...]:
    """Routine cleanings that went as they should: a line a rule."""
    runs: dict[str, list[str]] = {}
    for incident in incidents:
        if incident.family == "clean" and incident.ok is not False:
            runs.setdefault(incident.rule, []).extend(act.result for act in incident.acts)
    return tuple(f"{rule}: {formatting.count(len(results), 'run')}, the last: {results[-1]}"
                 for rule, results in runs.items() if results)


def _troubles(facts: NightFacts, digest: JournalDigest, history: HostHistory,
              logged: LoggedKills | None) -> tuple[str, ...]:
    found = [safe(trouble) for trouble in facts.troubles]
    if not facts.journal:
        found.append(NO_JOURNAL)
    elif not digest.records and not history.samples:
        found.append(NO_RECORD)
    for version, count in digest.newer.items():
        found.append(f"{formatting.count(count, 'record')} of the journal have version {safe_name(version)}, which "
                     "this release does not know: they are shown as far as they are understood")
    if digest.left_out:
        found.append(f"{digest.left_out} records are not shown: there are too many; watchdog-oom audit lists all")
    if not history.samples:
        told = [*([BY_JOURNAL] if facts.journal and digest.records else []),
                *([safe_name(logged.name)] if logged is not None and not logged.problem else [])]
        found += [NO_RECORDING, *([f"{KILLS_OF} {' and '.join(told)}"] if told else [])]
    if logged is not None and logged.problem:
        found.append(f"the kernel's own log: {logged.problem}")
    return tuple(dict.fromkeys(found))
