"""Which limits of a rule are exceeded, by one process and by the group, and whether that is enough. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from watchdog_oom import formatting
from watchdog_oom.core.condition import threshold_bytes
from watchdog_oom.core.held_memory import together
from watchdog_oom.core.model import Process
from watchdog_oom.core.nouns import Size
from watchdog_oom.core.policy import Exceeds, Limit
from watchdog_oom.core.view import View
from watchdog_oom.lean_dataclasses import dataclass
from watchdog_oom.lean_typing import TypeAlias

Reading: TypeAlias = tuple[bool | None, str]


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether the limits are ``exceeded``: any of them, or all, as the rule says; ``None``: a reading that decides is
    missing (Law 10). ``reasons`` are the exceeded ones, in words."""

    exceeded: bool | None
    reasons: tuple[str, ...] = ()


def of_process(view: View, limit: Limit, process: Process) -> Judgement:
    """By the limits of one process; no such limit is none exceeded."""
    return _judged(limit, _readings(view, limit, process))


def of_group(view: View, limit: Limit, group: tuple[Process, ...]) -> Judgement:
    """By the limits of all together, likewise."""
    readings: list[Reading] = []
    if limit.count is not None:
        readings.append((len(group) > limit.count,
                         f"{len(group)} processes match {limit.process}, limit {limit.count}"))
    if limit.total_rss is not None:
        readings.append(_total(view, limit, group))
    return _judged(limit, readings)


def both(one: bool | None, other: bool | None) -> bool | None:
    """Whether both hold; ``None``: that is not known."""
    return False if False in (one, other) else None if None in (one, other) else True


def size_bytes(view: View, size: Size | None) -> float | None:
    """The limit in bytes; a percentage is of all RAM, and ``None`` if memory could not be read."""
    return threshold_bytes(view, size) if size is not None else None


def total_unread(view: View, limit: Limit, group: tuple[Process, ...]) -> bool:
    """Whether it is not known yet how much the group holds together, or may hold."""
    if limit.total_rss is None:
        return False
    total = size_bytes(view, limit.total_rss)
    return total is None or not together(group, total).known


def _judged(limit: Limit, readings: Iterable[Reading]) -> Judgement:
    readings = tuple(readings)
    answers = [answer for answer, _ in readings]
    reasons = tuple(words for answer, words in readings if answer)
    decisive = limit.exceeds is Exceeds.ANY  # one exceeded decides that any is, one kept that not all are
    if not answers:
        return Judgement(False)
    if decisive in answers:
        return Judgement(decisive, reasons)
    return Judgement(None if None in answers else not decisive, reasons)


def _readings(view: View, limit: Limit, process: Process) -> Iterable[Reading]:
    who = process.label
    if limit.rss is not None:
        rss = size_bytes(view, limit.rss)
        yield (None, "") if rss is None else (
            process.rss_bytes > rss,
            f"{who} holds {formatting.size(process.rss_bytes)}, limit {formatting.size(rss)}")
    if limit.swap is not None:
        swap, swapped = size_bytes(view, limit.swap), process.swap_bytes
        yield (None, "") if swap is None or swapped is None else (
            swapped > swap, f"{who} has {formatting.size(swapped)} in swap, limit {formatting.size(swap)}")
    if limit.runtime_seconds is not None:
        age = process.age_seconds(view.snapshot.clock)
        words = f"{who} has run for {formatting.duration(age)}, limit {formatting.duration(limit.runtime_seconds)}"
        yield age > limit.runtime_seconds, words


def _total(view: View, limit: Limit, group: tuple[Process, ...]) -> Reading:
    total = size_bytes(view, limit.total_rss)
    held = together(group, total) if total is not None else None
    if total is None or held is None or not held.known:
        return None, ""
    return held.bytes > total, (f"{len(group)} processes of {limit.process} {held.words}, "
                                f"limit {formatting.size(total)}")
