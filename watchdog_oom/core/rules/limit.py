"""[limit.NAME]: limits of one process and of the group; they apply at any time, whether memory is short or not."""

from __future__ import annotations

from watchdog_oom import formatting
from watchdog_oom.core.held_memory import CALM_SHARE, together
from watchdog_oom.core.matching import names_target
from watchdog_oom.core.model import Process
from watchdog_oom.core.nouns import ProcessNoun
from watchdog_oom.core.pause import paused_words
from watchdog_oom.core.policy import Exceeds, Limit, Then
from watchdog_oom.core.rules import containment, exceeding, waiting_queue, would
from watchdog_oom.core.rules.surplus import group_surplus
from watchdog_oom.core.tick import Tick
from watchdog_oom.core.view import View
from watchdog_oom.lean_typing import TypeAlias, assert_never

CALM_SECONDS = 60.0
MOST_REPORTS = 50
Over: TypeAlias = dict[int, tuple[Process, tuple[str, ...]]]


def apply(tick: Tick) -> None:
    for limit in tick.view.policy.limits.values():
        _apply_one(tick, limit)


def _apply_one(tick: Tick, limit: Limit) -> None:
    noun = tick.view.policy.processes[limit.process]
    group = tick.view.matching(limit.process)
    over = _over_together(tick, limit, noun, group) if limit.together else _over_by_themselves(tick, limit, group)
    if limit.waits:
        waiting_queue.apply(tick, limit, group, frozenset(process.id for process, _ in over.values()))
    elif not limit.together:
        _apply_to_group(tick, limit, noun, group, over)
    _keep_time(tick, limit)
    for process, because in over.values():
        _consequence(tick, limit, noun, process, because)
    if limit.then is Then.CONTAIN:
        _keep_contained(tick, limit, group)


def _over_by_themselves(tick: Tick, limit: Limit, group: tuple[Process, ...]) -> Over:
    """Those beyond the limits of one process."""
    over: Over = {}
    for process in group:
        judged = exceeding.of_process(tick.view, limit, process)
        if tick.sustained(_key(limit, process), judged.exceeded, limit.for_seconds):
            over[process.pid] = (process, judged.reasons)
    return over


def _over_together(tick: Tick, limit: Limit, noun: ProcessNoun, group: tuple[Process, ...]) -> Over:
    """With ``exceeds = "all"`` and limits of both kinds: those beyond their own while the group is beyond its, as many
    as it takes until it is not."""
    whole = exceeding.of_group(tick.view, limit, group)
    ripe: Over = {}
    for process in group:
        judged = exceeding.of_process(tick.view, limit, process)
        exceeded = exceeding.both(judged.exceeded, whole.exceeded)
        if tick.sustained(_key(limit, process), exceeded, limit.for_seconds):
            ripe[process.pid] = (process, (*judged.reasons, *whole.reasons))
    surplus = group_surplus(tick, limit, noun, group, among=frozenset(process.id for process, _ in ripe.values()))
    # Of a whole tree those go as well that are not beyond limits of their own.
    because = next((judged for process, judged in ripe.values() if process in surplus), ())
    return {process.pid: ripe.get(process.pid, (process, because)) for process in surplus}


def _apply_to_group(tick: Tick, limit: Limit, noun: ProcessNoun, group: tuple[Process, ...], over: Over) -> None:
    """Add to ``over`` those that have to go until the rest is within the limits of the group."""
    whole = exceeding.of_group(tick.view, limit, group)
    exceeded = None if not whole.exceeded and _unsure(tick, limit) else whole.exceeded
    if tick.sustained(_key(limit), exceeded, limit.for_seconds):
        going = frozenset(process.id for process, _ in over.values()) if limit.then is Then.KILL else frozenset()
        for process in group_surplus(tick, limit, noun, group, going):
            over.setdefault(process.pid, (process, whole.reasons))


def _keep_time(tick: Tick, limit: Limit) -> None:
    """Of those who may match but are not known to, the time neither counts nor begins anew (Law 10)."""
    noun = tick.view.policy.processes[limit.process]
    for process in tick.view.snapshot.processes.values() if _unsure(tick, limit) else ():
        if tick.view.may_match(noun, process):
            tick.sustained(_key(limit, process), None, limit.for_seconds)


def _unsure(tick: Tick, limit: Limit) -> bool:
    """Whether a share of RAM decides who matches, and memory could not be read."""
    return tick.view.snapshot.memory is None and tick.view.undecided(limit.process)


def _key(limit: Limit, process: Process | None = None) -> str:
    return f"limit.{limit.name} {'group' if process is None else process.id}"


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
    sizes = [exceeding.size_bytes(view, size) for size in (limit.rss, limit.swap, limit.total_rss) if size is not None]
    if None in sizes or any(process.swap_bytes is None for process in group):
        return None
    def held(process: Process) -> int:
        return process.rss_bytes + (process.swap_bytes or 0)
    rss, swap, total = (exceeding.size_bytes(view, size) for size in (limit.rss, limit.swap, limit.total_rss))
    resident = together(group, total * CALM_SHARE if total is not None else 0.0)
    if total is not None and not resident.known:
        return None
    swapped = sum(process.swap_bytes or 0 for process in group)
    near: list[bool] = []
    if rss is not None:
        near.append(any(held(process) > rss * CALM_SHARE for process in mine))
    if swap is not None:
        near.append(any((process.swap_bytes or 0) > swap * CALM_SHARE for process in mine))
    if limit.runtime_seconds is not None:
        clock = view.snapshot.clock
        near.append(any(process.age_seconds(clock) > limit.runtime_seconds for process in mine))
    if total is not None:
        near.append(bool(mine) and resident.bytes + swapped > total * CALM_SHARE)
    if limit.count is not None:
        near.append(bool(mine) and len(group) > limit.count)
    return not (any(near) if limit.exceeds is Exceeds.ANY else all(near))


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
                observed = paused_words(tick.pauses, rule) or "observed only"
                how = "reported" if limit.would is None else observed
                tick.note(rule, f"{how}: {would.limited(tick, limit, process)}", because=because, target=process.id,
                          comm=process.comm)
        case _:
            assert_never(limit.then)
