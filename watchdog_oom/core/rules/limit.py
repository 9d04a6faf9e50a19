"""[limit.NAME]: limits of one process and of the group; they apply at any time, whether memory is short or not."""

from __future__ import annotations

from bisect import bisect_left

from watchdog_oom import formatting
from watchdog_oom.core.condition import threshold_bytes
from watchdog_oom.core.guard import untouchable
from watchdog_oom.core.held_memory import CALM_SHARE, together
from watchdog_oom.core.matching import names_target
from watchdog_oom.core.model import Process, ProcessId
from watchdog_oom.core.nouns import ProcessNoun, Size
from watchdog_oom.core.policy import First, Limit, Then
from watchdog_oom.core.rules import containment, waiting_queue, would
from watchdog_oom.core.rules.kill_escalation import unkillable
from watchdog_oom.core.tick import Tick
from watchdog_oom.core.view import View
from watchdog_oom.lean_typing import assert_never

CALM_SECONDS = 60.0
MOST_REPORTS = 50


def apply(tick: Tick) -> None:
    for limit in tick.view.policy.limits.values():
        _apply_one(tick, limit)


def _apply_one(tick: Tick, limit: Limit) -> None:
    rule = f"limit.{limit.name}"
    noun = tick.view.policy.processes[limit.process]
    group = tick.view.matching(limit.process)
    over: dict[int, tuple[Process, tuple[str, ...]]] = {}
    for process in group:
        reasons = process_reasons(tick.view, limit, process)
        exceeded = True if reasons else None if _unread(tick.view, limit, process) else False
        if tick.sustained(f"{rule} {process.id}", exceeded, limit.for_seconds):
            over[process.pid] = (process, reasons)
    if limit.waits:
        waiting_queue.apply(tick, limit, group, frozenset(process.id for process, _ in over.values()))
    else:
        _apply_to_group(tick, limit, noun, group, over)
    for process, because in over.values():
        _consequence(tick, limit, noun, process, because)
    if limit.then is Then.CONTAIN:
        _keep_contained(tick, limit, group)


def _apply_to_group(tick: Tick, limit: Limit, noun: ProcessNoun, group: tuple[Process, ...],
                    over: dict[int, tuple[Process, tuple[str, ...]]]) -> None:
    """Add to ``over`` those that have to go until the rest is within the limits of the group."""
    rule = f"limit.{limit.name}"
    going = frozenset(process.id for process, _ in over.values()) if limit.then is Then.KILL else frozenset()
    reasons, surplus = group_surplus(tick, limit, noun, group, going)
    exceeded = True if reasons else None if _total_unread(tick.view, limit, group) else False
    if tick.sustained(f"{rule} group", exceeded, limit.for_seconds):
        for process in surplus:
            over.setdefault(process.pid, (process, reasons))


def process_reasons(view: View, limit: Limit, process: Process) -> tuple[str, ...]:
    """Which limits this one process exceeds, in words; empty if none."""
    who = process.label
    reasons: list[str] = []
    rss = size_bytes(view, limit.rss)
    if rss is not None and process.rss_bytes > rss:
        reasons.append(f"{who} holds {formatting.size(process.rss_bytes)}, limit {formatting.size(rss)}")
    swap = size_bytes(view, limit.swap)
    if swap is not None and (process.swap_bytes or 0) > swap:
        reasons.append(f"{who} has {formatting.size(process.swap_bytes or 0)} in swap, limit {formatting.size(swap)}")
    age = process.age_seconds(view.snapshot.clock)
    if limit.runtime_seconds is not None and age > limit.runtime_seconds:
        reasons.append(f"{who} has run for {formatting.duration(age)}, "
                       f"limit {formatting.duration(limit.runtime_seconds)}")
    return tuple(reasons)


def group_surplus(tick: Tick, limit: Limit, noun: ProcessNoun, group: tuple[Process, ...],
                  going: frozenset[ProcessId] = frozenset()) -> tuple[tuple[str, ...], list[Process]]:
    """Which group limits are exceeded, and which processes to act on: of those that may be touched, the oldest or the
    newest, until the rest is within the limits, as far as that can be told now: shared memory stays as long as one of
    those who share it, which the next look will show.

    Processes that end anyway free memory first: those being terminated by any rule, and those ``going`` because they
    exceed limits of their own.
    """
    unread = _total_unread(tick.view, limit, group)
    total_limit = None if unread else size_bytes(tick.view, limit.total_rss)
    reasons = _group_reasons(limit, group, total_limit)
    touchable = [process for process in group
                 if not unkillable(tick, process.id) and process.id not in tick.shunned
                 and untouchable(process, tick.view, explicit=names_target(noun, process)) is None]
    leaving = {process.id for process in touchable if process.id in going or process.id in tick.terminations}
    in_turn = [process for process in (touchable if limit.first is First.OLDEST else touchable[::-1])
               if process.id not in leaving]

    def suffices(number: int) -> bool:
        gone = leaving.union(process.id for process in in_turn[:number])
        rest = [process for process in group if process.id not in gone]
        return ((limit.count is None or len(rest) <= limit.count)
                and (total_limit is None or together(rest, total_limit).bytes <= total_limit))

    return reasons, in_turn[:bisect_left(range(len(in_turn)), True, key=suffices)]


def _group_reasons(limit: Limit, group: tuple[Process, ...], total_limit: float | None) -> tuple[str, ...]:
    reasons: list[str] = []
    if limit.count is not None and len(group) > limit.count:
        reasons.append(f"{len(group)} processes match {limit.process}, limit {limit.count}")
    if total_limit is not None and (held := together(group, total_limit)).bytes > total_limit:
        reasons.append(f"{len(group)} processes of {limit.process} {held.words}, "
                       f"limit {formatting.size(total_limit)}")
    return tuple(reasons)


def size_bytes(view: View, size: Size | None) -> float | None:
    """The limit in bytes; a percentage is of all RAM, and ``None`` if memory could not be read."""
    return threshold_bytes(view, size) if size is not None else None


def _unread(view: View, limit: Limit, process: Process) -> bool:
    """Whether a reading is missing that is needed to tell whether the process is within its limits (Law 10)."""
    swap_unread = limit.swap is not None and process.swap_bytes is None
    return swap_unread or _needs_memory(view, limit.rss) or _needs_memory(view, limit.swap)


def _total_unread(view: View, limit: Limit, group: tuple[Process, ...]) -> bool:
    """Whether it is not known yet how much the group holds together, or may hold."""
    if limit.total_rss is None:
        return False
    total = size_bytes(view, limit.total_rss)
    return total is None or not together(group, total).known


def _needs_memory(view: View, size: Size | None) -> bool:
    return size is not None and threshold_bytes(view, size) is None


def _keep_contained(tick: Tick, limit: Limit, group: tuple[Process, ...]) -> None:
    """Keep a unit contained until it has been well below its limits for a while: containment itself lowers the
    readings, so a leaking unit would otherwise be released and contained again for ever."""
    rule = f"limit.{limit.name}"
    for unit, contained in tick.contained.items():
        if contained.rule != rule or unit in tick.wanted_contained:
            continue
        calm = _calm(tick.view, limit, unit, group)
        if not tick.sustained(f"{rule} calm {unit}", calm, CALM_SECONDS):
            containment.renew(tick, unit, containment.Bounds(limit.contained_at, limit.memory_max),
                             (f"{unit} has not been well below the limit for {formatting.duration(CALM_SECONDS)} yet",))


def _calm(view: View, limit: Limit, unit: str, group: tuple[Process, ...]) -> bool | None:
    """Whether all processes of the unit are well below the limits, swap included; ``None``: not known."""
    mine = [process for process in group if process.facts.unit == unit]
    sizes = [size_bytes(view, size) for size in (limit.rss, limit.swap, limit.total_rss) if size is not None]
    if None in sizes or any(process.swap_bytes is None for process in group):
        return None
    def held(process: Process) -> int:
        return process.rss_bytes + (process.swap_bytes or 0)
    rss, swap, total = (size_bytes(view, size) for size in (limit.rss, limit.swap, limit.total_rss))
    resident = together(group, total * CALM_SHARE if total is not None else 0.0)
    if total is not None and not resident.known:
        return None
    swapped = sum(process.swap_bytes or 0 for process in group)
    return not (
        any(rss is not None and held(process) > rss * CALM_SHARE for process in mine)
        or any(swap is not None and (process.swap_bytes or 0) > swap * CALM_SHARE for process in mine)
        or any(limit.runtime_seconds is not None and process.age_seconds(view.snapshot.clock) > limit.runtime_seconds
               for process in mine)
        or (bool(mine) and total is not None and resident.bytes + swapped > total * CALM_SHARE)
        or (bool(mine) and limit.count is not None and len(group) > limit.count))


def _consequence(tick: Tick, limit: Limit, noun: ProcessNoun, process: Process, because: tuple[str, ...]) -> None:
    rule = f"limit.{limit.name}"
    explicit = names_target(noun, process)
    match limit.then:
        case Then.KILL:
            tick.end(process, rule, because, limit.grace_seconds, noun=noun.name, explicit=explicit)
        case Then.FREEZE:
            tick.freeze(process, rule, because, noun=noun.name, explicit=explicit)
        case Then.CONTAIN:
            containment.ask(tick, process, containment.Bounds(limit.contained_at, limit.memory_max), rule, because,
                           noun=noun.name)
        case Then.REPORT:
            if tick.rate_limit(f"{rule} reports {process.id}", most=MOST_REPORTS, kind=f"{rule} reports "):
                how = "reported" if limit.would is None else "observed only"
                tick.note(rule, f"{how}: {would.limited(tick, limit, process)}", because=because, target=process.id,
                          comm=process.comm)
        case _:
            assert_never(limit.then)
