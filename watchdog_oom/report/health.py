"""The daemon's own health in the night: lateness, restarts, lost records, policies that were rejected, the clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from watchdog_oom import formatting
from watchdog_oom.journal.record import Kind
from watchdog_oom.report import said
from watchdog_oom.report.digest import JournalDigest
from watchdog_oom.report.words import clock, exact, safe

_MOST_TOLD = 8


def health_of(digest: JournalDigest, status: Mapping[str, Any] | None) -> tuple[str, ...]:
    """What was not as it should be, a line each; nothing if all was."""
    return (*_lateness(digest), *_starts(digest), *_policies(digest), *_refusals(digest), *_journal(digest),
            *_of_daemon(digest), *_troubles(status))


def alarming(digest: JournalDigest) -> bool:
    """Whether somebody should read of it though no rule did anything."""
    if digest.dropped or digest.damages or digest.clock_set or digest.of_daemon:
        return True
    kinds = {kind for _, kind, _ in digest.said}
    return (not kinds.isdisjoint((Kind.REFUSED, Kind.RECOVERED)) or any(_rejected(digest))
            or bool(digest.unclean_starts))


def _of(digest: JournalDigest, kind: Kind) -> list[tuple[float, Mapping[str, Any]]]:
    return [(at, record) for at, found, record in digest.said if found is kind]


def _lateness(digest: JournalDigest) -> Iterator[str]:
    late = [(said.seconds(record) or 0.0, at) for at, record in _of(digest, Kind.LATE)]
    if late:
        worst, at = max(late)
        times = "once" if len(late) == 1 else f"{len(late)} times"
        yield (f"its loop was late {times}, by {formatting.duration(worst)} at worst "
               f"({exact(at)}): the host was too busy to let it run")


def _starts(digest: JournalDigest) -> Iterator[str]:
    """Starts, and which of them came without a stop before; what a start had to make good."""
    unclean = " without a stop before it: it was ended, or the host went down"
    lines = [f"it started at {clock(at)}{unclean if at in digest.unclean_starts else ''}"
             for at, _ in _of(digest, Kind.START)]
    lines += [f"it stopped at {clock(at)}" for at, _ in _of(digest, Kind.STOP)]
    lines += [f"{clock(at)}: {said.text(record, 'result') or said.text(record, 'step')}"
              for at, record in _of(digest, Kind.RECOVERED)]
    yield from lines[:_MOST_TOLD]
    if len(lines) > _MOST_TOLD:
        yield f"{len(lines) - _MOST_TOLD} more starts, stops and what was made good after them"


def _policies(digest: JournalDigest) -> Iterator[str]:
    for at, record in _rejected(digest):
        yield f"{clock(at)}: policies were {said.text(record, 'result')}"


def _rejected(digest: JournalDigest) -> list[tuple[float, Mapping[str, Any]]]:
    return [(at, record) for at, record in _of(digest, Kind.POLICY)
            if said.begins(said.text(record, "result"), "rejected")][:_MOST_TOLD]


def _refusals(digest: JournalDigest) -> Iterator[str]:
    refused = _of(digest, Kind.REFUSED)
    for at, record in refused[:_MOST_TOLD]:
        yield (f"{clock(at)}: {said.text(record, 'step')} {said.text(record, 'result')} "
               f"[{said.text(record, 'rule')}]")
    if len(refused) > _MOST_TOLD:
        yield f"{len(refused) - _MOST_TOLD} more refusals"
    for at, record in _of(digest, Kind.REQUEST)[:_MOST_TOLD]:
        yield f"{clock(at)}: somebody asked: {said.text(record, 'step')}: {said.text(record, 'result')}"


def _journal(digest: JournalDigest) -> Iterator[str]:
    if digest.dropped:
        yield f"{formatting.count(digest.dropped, 'record')} of the journal were lost (a full disk?)"
    for damage in digest.damages[:_MOST_TOLD]:
        yield f"the journal was found damaged: {damage}"
    for at, moved in digest.clock_set[:_MOST_TOLD]:
        yield (f"the clock was set {'forward' if moved > 0 else 'back'} by {formatting.duration(abs(moved))} before "
               f"{clock(at)}: times before and after do not compare")


def _of_daemon(digest: JournalDigest) -> Iterator[str]:
    """The same words once, with how often and since when."""
    told: dict[str, list[float]] = {}
    for at, words in digest.of_daemon:
        told.setdefault(words, []).append(at)
    for words, times in list(told.items())[:_MOST_TOLD]:
        again = f" ({len(times)} times until {clock(times[-1])})" if len(times) > 1 else ""
        yield f"{clock(times[0])}: {words}{again}"


def _troubles(status: Mapping[str, Any] | None) -> Iterator[str]:
    health = (status or {}).get("health")
    troubles = health.get("troubles") if isinstance(health, dict) else None
    for trouble in troubles[:_MOST_TOLD] if isinstance(troubles, list) else ():
        yield safe(trouble)
