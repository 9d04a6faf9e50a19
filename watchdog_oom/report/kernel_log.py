"""The kernel's kills of the time that nobody recorded, out of the kernel's own log."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from watchdog_oom.errors import WatchdogError
from watchdog_oom.kernel_log.model import Event, Kill, Stamp
from watchdog_oom.kernel_log.source import NotALogError
from watchdog_oom.report.kernel_kills import NightKernelReport
from watchdog_oom.report.kernel_reports import report_of
from watchdog_oom.report.model import HostPoint, NightSpan
from watchdog_oom.report.words import safe

UNRECORDED_SECONDS = 900.0  # without a sample: longer than a restart, and than a calm host's samples are apart
MOST_REPORTS = 200
_LEAP_YEAR = datetime(1972, 1, 1, tzinfo=UTC)  # the one in which a log counts that names no year


@dataclass(frozen=True, slots=True)
class KernelLog:
    """The kernel's log of that host: its name for people and its events. ``booted`` is when the clock began (seconds
    since the epoch) that counts from the boot, if that is known. ``problem``: why there is none, in words."""

    name: str
    events: Iterable[Event] = ()
    booted: float | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class LoggedKills:
    """What the log tells; ``problem`` says why it could not be read, or not to its end."""

    name: str
    reports: tuple[NightKernelReport, ...]
    problem: str = ""


def unrecorded(points: Sequence[HostPoint], span: NightSpan) -> tuple[NightSpan, ...]:
    """The times of which the recorder has nothing."""
    edges = [span.since, *(point.at for point in points), span.until]
    return tuple(NightSpan(before, after) for before, after in pairwise(edges)
                 if after - before > UNRECORDED_SECONDS)


def logged_kills(log: KernelLog, gaps: Sequence[NightSpan]) -> LoggedKills:
    """Of the gaps alone: what was recorded is known better. The log is read to its end, or as far as it can be."""
    problem = log.problem
    found: list[NightKernelReport] = []
    try:
        for report in _reports(log, gaps):
            if len(found) < MOST_REPORTS:
                found.append(report)
    except (NotALogError, WatchdogError) as error:
        problem = str(error)
    return LoggedKills(log.name, tuple(found), safe(problem))


def _reports(log: KernelLog, gaps: Sequence[NightSpan]) -> Iterator[NightKernelReport]:
    for event in log.events:
        if event.constraint == "userspace":
            continue

        def killed_at(kill: Kill, event: Event = event) -> float | None:
            return wall_of(kill.time or event.time, log.booted, gaps)
        times = (wall_of(event.time, log.booted, gaps), *map(killed_at, event.kills))
        at = next((time for time in times if time is not None), None)
        if at is not None:
            yield report_of(event, at, log.name, killed_at)


def wall_of(stamp: Stamp | None, booted: float | None, gaps: Sequence[NightSpan]) -> float | None:
    """When that was, if it was in one of those times: a log that names no year may mean the last one."""
    if stamp is None or stamp.seconds is None:
        return None
    if stamp.clock == "boot":
        found = [] if booted is None else [booted + stamp.seconds]
    elif stamp.clock == "unix":
        found = [stamp.seconds]
    else:
        years = sorted({time.localtime(wall).tm_year for gap in gaps for wall in (gap.since, gap.until)})
        found = [_in_year(stamp.seconds, year) for year in years]
    return next((wall for wall in found for gap in gaps if gap.holds(wall)), None)


def _in_year(seconds: float, year: int) -> float:
    """A local time; ``seconds`` since the beginning of a leap year."""
    at = _LEAP_YEAR + timedelta(seconds=seconds)
    return time.mktime((year, at.month, at.day, at.hour, at.minute, at.second, 0, 0, -1)) + seconds % 1
