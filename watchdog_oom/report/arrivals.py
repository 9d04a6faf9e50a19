"""What began more often than before: births of processes by their line of ancestors, and entries of spools."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log
from statistics import median

from watchdog_oom.report.model import Decline, HostHistory, HostPoint

LEAD_SECONDS = 900.0  # what begins so long before memory falls may be the reason
LEAST_BIRTHS = 5
LEAST_FACTOR = 2.0
LEAST_ENTRIES = 20
LEAST_BEFORE_SECONDS = 120.0
CLEAR_GAIN = 8.0  # of log-likelihood: two rates then explain the births 3,000 times as well as one
ENOUGH_EXPECTED = 10.0  # had they come as fast before, so many would have been seen: that they were not is no accident
_REGULAR_SHARE = 0.25
_LONGEST_PERIOD_SECONDS = 3700.0


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Processes of one kind: how many began in the time before and while memory fell, how many times as often as
    before, and when the first of them did. ``factor`` is ``None`` where there is no time before to compare with."""

    births: int
    factor: float | None
    first: float

    @property
    def rose(self) -> bool:
        return self.births >= LEAST_BIRTHS and (self.factor is None or self.factor >= LEAST_FACTOR)


@dataclass(frozen=True, slots=True)
class SpoolRise:
    name: str
    before: int
    after: int
    began: float


def arrivals(history: HostHistory, fall: Decline, wanted: Callable[[tuple[str, ...]], bool]) -> Arrivals | None:
    """Those whose line is wanted, since they come as often as when memory fell; ``None`` if none began then. Only what
    even looks have seen is counted: the recorder looks more often when it gets tight."""
    times = _times_of(history.evenly, wanted)
    end = fall.worst.at
    began = history.points[0].at if history.points else end
    lead = max(began, fall.before.at - LEAD_SECONDS)
    during = _between(times, lead, end)
    if during <= 0:
        return None
    rate = during / max(60.0, end - lead)
    onset = lead
    while onset > began and _between(times, onset - LEAD_SECONDS, onset) / LEAD_SECONDS >= rate / LEAST_FACTOR:
        onset = max(began, onset - LEAD_SECONDS)
    onset = _denser_since([at for at in times if onset - LEAD_SECONDS <= at <= end], max(began, onset - LEAD_SECONDS),
                          end) or lead
    came = [at for at in times if onset <= at <= end]
    faster = len(came) / max(60.0, end - onset)
    earlier_seconds = onset - began
    factor = None
    if earlier_seconds >= LEAST_BEFORE_SECONDS and faster * earlier_seconds >= ENOUGH_EXPECTED:
        factor = faster / (max(1, _between(times, began, onset)) / earlier_seconds)
    return Arrivals(len(came), factor, came[0])


def _denser_since(times: Sequence[float], begin: float, end: float) -> float | None:
    """The birth from which on they clearly came faster than from ``begin`` until then: where two steady rates explain
    the births best, by their likelihood. ``None`` if one rate explains them nearly as well."""
    best, found = CLEAR_GAIN, None
    for ahead, at in enumerate(times):
        behind = len(times) - ahead
        passed, left = max(1.0, at - begin), max(1.0, end - at)
        if behind < LEAST_BIRTHS or behind / left <= ahead / passed:
            continue
        gain = behind * log(behind / left) + (ahead * log(ahead / passed) if ahead else 0.0)
        gain -= len(times) * log(len(times) / (passed + left))
        if gain > best:
            best, found = gain, at
    return found


def _between(times: Sequence[float], begin: float, end: float) -> int:
    return bisect_left(times, end) - bisect_left(times, begin)


def births_of(history: HostHistory, wanted: Callable[[tuple[str, ...]], bool]) -> list[float]:
    """All that were seen."""
    return _times_of(history.births, wanted)


def _times_of(births: Mapping[tuple[str, ...], Sequence[float]], wanted: Callable[[tuple[str, ...]], bool],
              ) -> list[float]:
    return sorted(at for line, times in births.items() if wanted(line) for at in times)


def period_of(times: Sequence[float]) -> float | None:
    """How often something comes that comes regularly, in seconds; ``None`` if it does not. What was not seen, because
    it began and ended between two samples, makes gaps of several periods."""
    starts = _apart(times, 30.0)
    gaps = [later - earlier for earlier, later in pairwise(starts)]
    if len(gaps) < 3:
        return None
    shortest = median(sorted(gaps)[:max(1, len(gaps) * 2 // 3)])
    near = sum(abs(gap / shortest - round(gap / shortest)) <= _REGULAR_SHARE for gap in gaps)
    return shortest if near >= 0.7 * len(gaps) and shortest <= _LONGEST_PERIOD_SECONDS else None


def spool_rises(points: Sequence[HostPoint], until_wall: float) -> list[SpoolRise]:
    """Spools that became fuller until then, the fullest first; each since it was last as empty as
    before."""
    ahead = [point for point in points if point.at <= until_wall]
    found = []
    for name in {name for point in ahead for name in point.spools}:
        known = [(point.at, point.spools[name].entries) for point in ahead if name in point.spools]
        top_at, top = max(known, key=lambda pair: (pair[1], -pair[0]))
        until = [pair for pair in known if pair[0] <= top_at]
        low = min(entries for _, entries in until)
        began = max(at for at, entries in until if entries <= low + 0.05 * (top - low))
        if top - low >= LEAST_ENTRIES and top >= LEAST_FACTOR * low:
            found.append(SpoolRise(name, low, top, began))
    return sorted(found, key=lambda rise: rise.before - rise.after)


def _apart(times: Iterable[float], least_seconds: float) -> list[float]:
    """The first of each group of times that are close to each other."""
    kept: list[float] = []
    for at in times:
        if not kept or at - kept[-1] >= least_seconds:
            kept.append(at)
    return kept
