"""How far every rule is from acting, as one share of the way: from 1 on its condition holds. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from watchdog_oom import formatting
from watchdog_oom.core.condition import Condition, Finding, threshold_bytes
from watchdog_oom.core.conditions.memory import MemoryAvailableBelow, SwapFreeBelow
from watchdog_oom.core.conditions.pressure import PressureAbove
from watchdog_oom.core.conditions.process import ProcessesAre
from watchdog_oom.core.conditions.service import ServiceIs
from watchdog_oom.core.conditions.spool import SpoolIs
from watchdog_oom.core.held_memory import together
from watchdog_oom.core.memory import Memory
from watchdog_oom.core.nouns import Size
from watchdog_oom.core.policy import Clause, Emergency, Exceeds, Limit, Recover
from watchdog_oom.core.rules import emergency as rule_of_emergency
from watchdog_oom.core.rules.recovery.trigger import clause_findings
from watchdog_oom.core.shortage import evidence, floor_bytes, pressure_evidence
from watchdog_oom.core.view import View
from watchdog_oom.explain.headroom import LimitReport, limit_report
from watchdog_oom.lean_dataclasses import dataclass

ALMOST = 0.99  # nothing that does not hold is shown as 100 %


@dataclass(frozen=True, slots=True)
class Closeness:
    """A rule and its share of the way; ``None``: not known. ``words`` is the measure that decides: for a recovery, the
    condition that is furthest from holding."""

    rule: str
    share: float | None
    words: str

    @property
    def holds(self) -> bool:
        return self.share is not None and self.share >= 1.0


def closest_first(view: View, others: Iterable[Closeness] = ()) -> tuple[Closeness, ...]:
    """Every limit, recovery and the emergency, and ``others``; those of which nothing is known stand last."""
    found = [_of_emergency(view, view.policy.emergency),
             *(_of_limit(view, limit) for limit in view.policy.limits.values()),
             *(_of_recovery(view, recover) for recover in view.policy.recovers.values()), *others]
    return tuple(sorted(found, key=lambda one: -1.0 if one.share is None else one.share, reverse=True))


def _of_limit(view: View, limit: Limit) -> Closeness:
    report = limit_report(view, limit, False)
    told = [(measure.share, measure.words) for measure in report.group]
    told += [(measure.share, f"{limited.process.label} {measure.words}") for limited in report.processes
             if limited.untouchable is None for measure in limited.measures]
    if limit.exceeds is Exceeds.ALL:
        told = _furthest(report)
    if not told:
        return Closeness(report.rule, 0.0, f"no process of {limit.process} that it may touch")
    share, words = max(told, key=lambda one: -1.0 if one[0] is None else one[0])
    return Closeness(report.rule, _decided(share, share is not None and share > 1.0),
                     f"{words}{_once(limit.for_seconds)}")


def _furthest(report: LimitReport) -> list[tuple[float | None, str]]:
    """Where all limits must be exceeded: for each process that may be touched, the one furthest from it."""
    group = [(measure.share, measure.words) for measure in report.group]
    ways = [[*group, *((measure.share, f"{limited.process.label} {measure.words}") for measure in limited.measures)]
            for limited in report.processes if limited.untouchable is None]
    return [min(way, key=lambda one: -1.0 if one[0] is None else one[0]) for way in ways if way]


def _of_recovery(view: View, recover: Recover) -> Closeness:
    clauses = [_of_clause(view, clause) for clause in recover.when]
    share, words = max(clauses, key=lambda one: -1.0 if one[0] is None else one[0], default=(0.0, "it has no clause"))
    return Closeness(f"recover.{recover.name}", share, words)


def _of_clause(view: View, clause: Clause) -> tuple[float | None, str]:
    findings = tuple(_as_known(view, condition, finding)
                     for condition, finding in zip(clause.conditions, clause_findings(clause, view), strict=True))
    shares = [_condition(view, condition, finding)
              for condition, finding in zip(clause.conditions, findings, strict=True)]
    share, words = _all_of(zip(shares, findings, strict=True))
    return share, f"{words}{_once(clause.for_seconds)}"


def _of_emergency(view: View, emergency: Emergency) -> Closeness:
    """Two ways lead to it: memory and swap, or pressure while memory is short."""
    memory, threshold = view.snapshot.memory, emergency.memory_available_below
    low, swap = evidence(view, emergency)
    ways = [_all_of(((_decided(_memory(memory, threshold), low.holds) if low.known else None, low),
                     (_condition(view, SwapFreeBelow(emergency.swap_free_below), swap), swap)))]
    pressing = pressure_evidence(view, emergency)
    if pressing:
        waits, short = pressing
        half_way = _decided(_memory(memory, threshold.scaled(2.0)), short.holds) if short.known else None
        share, words = _all_of(((_condition(view, PressureAbove(True, emergency.pressure_full_above), waits), waits),
                                (half_way, short)))
        ways.append((share, f"{words}{_once(emergency.pressure_for_seconds)}"))
    share, words = max(ways, key=lambda one: -1.0 if one[0] is None else one[0])
    return Closeness(rule_of_emergency.RULE, share, words)


def _all_of(told: Iterable[tuple[float | None, Finding]]) -> tuple[float | None, str]:
    """Of conditions that must hold together, the one that is furthest away decides; one that is not known leaves the
    answer open, unless another is certainly not met."""
    pairs = list(told)
    known = [(share, finding.words) for share, finding in pairs if share is not None]
    unknown = [finding.words for share, finding in pairs if share is None]
    furthest = min(known, key=lambda one: one[0], default=(1.0, ""))
    if unknown and furthest[0] >= 1.0:
        return None, unknown[0]
    return furthest


def _as_known(view: View, condition: Condition, finding: Finding) -> Finding:
    """A snapshot may come without the space around its spools: the zeros in it are no measurement."""
    state = view.snapshot.spools.get(condition.spool) if isinstance(condition, SpoolIs) else None
    if not isinstance(condition, SpoolIs) or state is None or state.space_total_bytes:
        return finding
    share_of_it = condition.size_above is not None and condition.size_above.percent is not None
    if share_of_it or condition.space_free_below is not None or condition.inodes_free_below is not None:
        return Finding(False, f"the space around spool {condition.spool} is not known here", known=False)
    return finding


def _condition(view: View, condition: Condition, finding: Finding) -> float | None:
    """The share of one condition. Of one that knows only yes and no, it is 1 or 0."""
    if not finding.known:
        return None
    memory, pressure = view.snapshot.memory, view.snapshot.pressure
    share: float | None = 0.0
    match condition:
        case MemoryAvailableBelow(threshold):
            share = _memory(memory, threshold)
        case SwapFreeBelow(threshold) if memory is not None:
            share = _low(memory.swap_free_bytes, threshold.of(memory.swap_total_bytes))
        case PressureAbove(full=full, percent=percent) if pressure is not None:
            share = _high(pressure.full_avg10_percent if full else pressure.some_avg10_percent, percent)
        case ProcessesAre():
            share = _processes(view, condition)
        case SpoolIs():
            share = _spool(view, condition)
        case ServiceIs(service=service, failed=False, memory_above=Size() as threshold):
            held = view.snapshot.services[service].memory
            share = _high((held and held.held_bytes) or 0, threshold_bytes(view, threshold) or 0.0)
    return _decided(share, finding.holds)


def _processes(view: View, condition: ProcessesAre) -> float:
    group = view.matching(condition.noun)
    shares = []
    if condition.count_above is not None:
        shares.append(_high(len(group), condition.count_above))
    if condition.total_rss_above is not None:
        threshold = threshold_bytes(view, condition.total_rss_above) or 0.0
        shares.append(_high(together(group, threshold).bytes, threshold))
    if condition.rss_above is not None or condition.runtime_above is not None:
        rss_bytes = None if condition.rss_above is None else threshold_bytes(view, condition.rss_above)
        of_one = [min([1.0 if rss_bytes is None else _high(process.rss_bytes, rss_bytes),
                       1.0 if condition.runtime_above is None
                       else _high(process.age_seconds(view.snapshot.clock), condition.runtime_above)])
                  for process in group]
        shares.append(max(of_one, default=0.0))
    return min(shares, default=0.0)


def _spool(view: View, condition: SpoolIs) -> float:
    state = view.snapshot.spools[condition.spool]
    size_above = None if condition.size_above is None else condition.size_above.of(state.space_total_bytes)
    readings = ((state.entries, condition.entries_above), (state.stale, condition.stale_above),
                (state.oldest_seconds, condition.oldest_above), (state.size_bytes, size_above))
    shares = [_high(reading, threshold) for reading, threshold in readings if threshold is not None]
    shares += [_low(free, threshold.of(total)) for free, threshold, total in (
        (state.space_free_bytes, condition.space_free_below, state.space_total_bytes),
        (state.inodes_free, condition.inodes_free_below, state.inodes_total)) if threshold is not None]
    return min(shares, default=0.0)


def _memory(memory: Memory | None, threshold: Size) -> float | None:
    if memory is None:
        return None
    if threshold.percent is None:
        return _low(memory.available_bytes, threshold.of(memory.total_bytes))
    return max(_low(memory.available_percent, threshold.percent),
               _low(memory.available_bytes, floor_bytes(memory, threshold)))


def _high(reading: float, threshold: float) -> float:
    return reading / threshold if threshold > 0 else float(reading > threshold)


def _low(reading: float, threshold: float) -> float:
    """How near a falling reading is: half of the way when it is twice the threshold."""
    return threshold / reading if reading > 0 else 1.0


def _decided(share: float | None, holds: bool) -> float | None:
    """The share as the decision sees it, which has the last word on whether the threshold is passed."""
    if share is None:
        return None
    return max(1.0, share) if holds else min(ALMOST, share)


def _once(for_seconds: float) -> str:
    return f", once for {formatting.duration(for_seconds)}" if for_seconds else ""
