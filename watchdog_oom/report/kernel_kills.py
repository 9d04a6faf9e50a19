"""The kernel's own kills of a night, and that one which several sources tell is one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

BY_RECORDER = "the flight recorder"
BY_JOURNAL = "the daemon's journal"
SAME_KILL_SECONDS = 120.0  # a report is read, and a kill journaled, up to a minute after it was


@dataclass(frozen=True, slots=True)
class NightKernelKill:
    """``source`` is who tells of it: the recorder, the daemon's journal, or a log by its name."""

    at: float
    pid: int
    name: str
    in_group: bool
    unit: str = ""
    held_bytes: int | None = None
    source: str = BY_RECORDER


@dataclass(frozen=True, slots=True)
class NightKernelReport:
    """One time that the kernel found no memory, by its own report: what was short, in a sentence, and whom it killed.
    ``at`` is when the report was read, or was written where its log says that."""

    at: float
    words: str
    kills: tuple[NightKernelKill, ...] = ()


def with_kills(known: Sequence[NightKernelKill], more: Iterable[NightKernelKill]) -> tuple[NightKernelKill, ...]:
    """All of them, each once: what an earlier source leaves open a later one adds."""
    told = [*known]
    for kill in more:
        at = next((number for number, one in enumerate(told) if one.pid == kill.pid
                   and abs(kill.at - one.at) <= SAME_KILL_SECONDS), None)
        if at is None:
            told.append(kill)
        else:
            one = told[at]
            told[at] = replace(one, unit=one.unit or kill.unit,
                               held_bytes=kill.held_bytes if one.held_bytes is None else one.held_bytes)
    return tuple(sorted(told, key=lambda kill: kill.at))


def sources_told(kills: Sequence[NightKernelKill], unnamed: int) -> str:
    """Who tells of them, in a sentence; ``unnamed`` are those that only a counter tells of."""
    found = [f"{name} ({count})" for name, count in Counter(kill.source for kill in kills).items()]
    told = f"Told by {', '.join(found)}. " if found else ""
    more = "one more is" if unnamed == 1 else f"{unnamed} more are"
    return f"{told}Of its counter alone {more} known, without a name." if unnamed else told.rstrip()
