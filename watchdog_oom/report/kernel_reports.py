"""What the kernel wrote when memory ran out, as the recorder read it beside its samples: kills, and what was short."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from watchdog_oom.kernel_log.events import events_in
from watchdog_oom.kernel_log.model import Event
from watchdog_oom.kernel_log.shortage_of_host import judge
from watchdog_oom.kernel_log.source import NotALogError
from watchdog_oom.kernel_log.words import was_short
from watchdog_oom.report.model import HostHistory, NightKernelKill, NightKernelReport
from watchdog_oom.report.words import safe, safe_name

MOST_TEXTS = 200
TEXT = "kernel"  # its name among the texts that were read beside a sample
_SAME_KILL_SECONDS = 120.0  # a report is read up to a minute after it was written


@dataclass(frozen=True, slots=True)
class KernelText:
    """Lines of the kernel's log, and when they were read."""

    at: float
    text: str


def kernel_reports(texts: Iterable[KernelText]) -> tuple[NightKernelReport, ...]:
    """One for each event, of the fullest text that has it: what is read twice while it is written grows meanwhile."""
    found: dict[tuple[object, ...], NightKernelReport] = {}
    for text in texts:
        for event in _events(text.text):
            key = _identity(event)
            report = NightKernelReport(text.at, _words(event), _kills(event, text.at))
            known = found.get(key)
            if known is None:
                found[key] = report
            elif len(report.kills) >= len(known.kills):
                found[key] = replace(report, at=known.at)
    return tuple(sorted(found.values(), key=lambda report: report.at))


def with_kills_of(reports: Sequence[NightKernelReport], history: HostHistory) -> HostHistory:
    """The history with those kills of the reports that no sample tells: the daemon may not read the kernel's log, or
    the sample was lost."""
    told = [*history.kernel_kills]
    for kill in (kill for report in reports for kill in report.kills):
        if not any(kill.pid == known.pid and abs(kill.at - known.at) <= _SAME_KILL_SECONDS for known in told):
            told.append(kill)
    return replace(history, kernel_kills=tuple(sorted(told, key=lambda kill: kill.at)))


def _events(text: str) -> list[Event]:
    try:
        return list(events_in((text.encode(errors="replace"),)))
    except NotALogError:
        return []


def _identity(event: Event) -> tuple[object, ...]:
    """The same event has the same invoker and the same counters, however much of it was written when it was read."""
    return event.invoker, tuple(sorted(event.meminfo.items())) or tuple(kill.pid for kill in event.kills)


def _words(event: Event) -> str:
    """``RAM and swap were used up: 64 kB of RAM are free, and 0 of 192 MB of swap.``"""
    short = judge(event)
    return safe(f"{was_short(event, short).rstrip('.')}: {short[0].evidence}.")


def _kills(event: Event, at: float) -> tuple[NightKernelKill, ...]:
    return tuple(NightKernelKill(at, kill.pid, safe_name(kill.comm), kill.cgroup or event.constraint == "memcg",
                                 held_bytes=_held(kill.anon_rss_bytes, kill.file_rss_bytes, kill.shmem_rss_bytes))
                 for kill in event.kills if kill.pid is not None and not kill.again)


def _held(*parts: int | None) -> int | None:
    known = [part for part in parts if part is not None]
    return sum(known) if known else None
