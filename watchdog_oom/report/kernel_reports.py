"""What the kernel wrote when memory ran out, as the recorder read it beside its samples, or the daemon journaled it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from watchdog_oom.kernel_log.events import events_in
from watchdog_oom.kernel_log.model import Event, Kill
from watchdog_oom.kernel_log.shortage_of_host import judge
from watchdog_oom.kernel_log.source import NotALogError
from watchdog_oom.kernel_log.words import was_short
from watchdog_oom.report.kernel_kills import BY_JOURNAL, BY_RECORDER, NightKernelKill, NightKernelReport
from watchdog_oom.report.words import safe, safe_name

MOST_TEXTS = 200
TEXT = "kernel"  # its name among the texts that were read beside a sample


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
            report = report_of(event, text.at)
            known = found.get(key)
            if known is None:
                found[key] = report
            elif len(report.kills) >= len(known.kills):
                found[key] = replace(report, at=known.at)
    return tuple(sorted(found.values(), key=lambda report: report.at))


def journaled_kills(texts: Iterable[KernelText]) -> tuple[NightKernelKill, ...]:
    """The kills of lines that the daemon wrote down; each line is one, whatever stands beside it."""
    return tuple(kill for text in texts for line in text.text.splitlines() for event in _events(line)
                 for kill in _kills(event, lambda _, at=text.at: at, BY_JOURNAL))  # type: ignore[misc]


def report_of(event: Event, at: float, source: str = BY_RECORDER,
              killed_at: Callable[[Kill], float | None] | None = None) -> NightKernelReport:
    """``killed_at`` says when a kill was, where that is known of each; ``None`` leaves it out."""
    return NightKernelReport(at, _words(event), _kills(event, killed_at or (lambda _: at), source))


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


def _kills(event: Event, killed_at: Callable[[Kill], float | None], source: str) -> tuple[NightKernelKill, ...]:
    return tuple(NightKernelKill(at, kill.pid, safe_name(kill.comm), kill.cgroup or event.constraint == "memcg",
                                 held_bytes=_held(kill.anon_rss_bytes, kill.file_rss_bytes, kill.shmem_rss_bytes),
                                 source=source)
                 for kill in event.kills
                 if kill.pid is not None and not kill.again and (at := killed_at(kill)) is not None)


def _held(*parts: int | None) -> int | None:
    known = [part for part in parts if part is not None]
    return sum(known) if known else None
