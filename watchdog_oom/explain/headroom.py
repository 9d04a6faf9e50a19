"""How close each limit and each recovery is to acting, in numbers and in words. Pure."""

from __future__ import annotations

from typing import assert_never

from watchdog_oom import formatting
from watchdog_oom.core.condition import Finding, verdict
from watchdog_oom.core.guard import untouchable
from watchdog_oom.core.held_memory import together
from watchdog_oom.core.history import History, Recovery
from watchdog_oom.core.matching import names_target
from watchdog_oom.core.model import Process
from watchdog_oom.core.nouns import Size
from watchdog_oom.core.policy import Clean, Exceeds, Limit, Mode, Recover, RecoveryStep, Verb
from watchdog_oom.core.rules.clean import rule_of, scheduled, why_waiting
from watchdog_oom.core.rules.exceeding import size_bytes
from watchdog_oom.core.rules.recovery.trigger import clause_findings, wait_seconds
from watchdog_oom.core.view import View
from watchdog_oom.formatting import printable
from watchdog_oom.lean_dataclasses import dataclass

MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Measure:
    """One reading against its limit. ``share`` is reading / limit: above 1 it is exceeded; ``None``: not known."""

    limit: str
    words: str
    share: float | None


@dataclass(frozen=True, slots=True)
class LimitedProcess:
    """A process that a limit applies to; ``untouchable`` says why it is never acted on."""

    process: Process
    measures: tuple[Measure, ...]
    untouchable: str | None


@dataclass(frozen=True, slots=True)
class LimitReport:
    """A limit, its processes (the closest to it first) and the measures of the whole group."""

    limit: Limit
    processes: tuple[LimitedProcess, ...]
    group: tuple[Measure, ...]
    acts: bool

    @property
    def rule(self) -> str:
        return f"limit.{self.limit.name}"


@dataclass(frozen=True, slots=True)
class ClauseReport:
    """A clause of ``when``; ``holds`` is ``None`` if a reading that decides is missing."""

    for_seconds: float
    findings: tuple[Finding, ...]
    holds: bool | None


@dataclass(frozen=True, slots=True)
class StepReport:
    """A step of a recovery, and what it would find now."""

    step: str
    now: str


@dataclass(frozen=True, slots=True)
class RecoverReport:
    """A recovery; ``why_not`` says why it does not run, and is empty if it would run."""

    recover: Recover
    clauses: tuple[ClauseReport, ...]
    steps: tuple[StepReport, ...]
    why_not: str

    @property
    def rule(self) -> str:
        return f"recover.{self.recover.name}"

    @property
    def runs(self) -> bool:
        return not self.why_not


@dataclass(frozen=True, slots=True)
class CleanReport:
    """A routine cleaning: when it is due, what it would find now; ``why_not`` says why it does not begin, and is empty
    if it would."""

    clean: Clean
    due_seconds: float
    now: str
    why_not: str

    @property
    def rule(self) -> str:
        return rule_of(self.clean)


def limit_report(view: View, limit: Limit, acts: bool) -> LimitReport:
    group = view.matching(limit.process)
    noun = view.policy.processes[limit.process]
    processes = [LimitedProcess(process, _process_measures(view, limit, process),
                                untouchable(process, view, explicit=names_target(noun, process))) for process in group]
    nearest = sorted(processes, key=lambda limited: _nearness(limit, limited), reverse=True)
    return LimitReport(limit, tuple(nearest), _group_measures(view, limit, group), acts)


def _nearness(limit: Limit, limited: LimitedProcess) -> float:
    """Of several limits the nearest counts, or the furthest where all must be exceeded."""
    shares = [measure.share or 0.0 for measure in limited.measures]
    return (max if limit.exceeds is Exceeds.ANY else min)(shares, default=0.0)


def _process_measures(view: View, limit: Limit, process: Process) -> tuple[Measure, ...]:
    measures = [_size("rss", view, limit.rss, process.rss_bytes), _size("swap", view, limit.swap, process.swap_bytes)]
    if limit.runtime_seconds is not None:
        age = process.age_seconds(view.snapshot.clock)
        told = f"has run for {formatting.duration(age)}, limit {formatting.duration(limit.runtime_seconds)}"
        measures.append(Measure("runtime", told, _share(age, limit.runtime_seconds)))
    return tuple(measure for measure in measures if measure is not None)


def _group_measures(view: View, limit: Limit, group: tuple[Process, ...]) -> tuple[Measure, ...]:
    measures = [_total(view, limit, group)]
    if limit.count is not None:
        measures.append(Measure("count", f"{len(group)} processes, limit {limit.count}",
                                _share(len(group), limit.count)))
    return tuple(measure for measure in measures if measure is not None)


_READINGS = {"rss": "holds", "swap": "in swap"}


def _total(view: View, limit: Limit, group: tuple[Process, ...]) -> Measure | None:
    limit_bytes = size_bytes(view, limit.total_rss)
    if limit.total_rss is None or limit_bytes is None:
        return _size("total_rss", view, limit.total_rss, None)
    held = together(group, limit_bytes)
    how = f", {held.how}" if held.how else ""
    return Measure("total_rss", f"together {formatting.size(held.bytes)}{how}, limit {formatting.size(limit_bytes)}",
                   _share(held.bytes, limit_bytes) if held.known else None)


def _size(key: str, view: View, limit: Size | None, reading_bytes: int | None) -> Measure | None:
    if limit is None:
        return None
    limit_bytes = size_bytes(view, limit)
    if limit_bytes is None or reading_bytes is None:
        return Measure(key, f"{key} could not be read", None)
    return Measure(key, f"{_READINGS[key]} {formatting.size(reading_bytes)}, limit {formatting.size(limit_bytes)}",
                   _share(reading_bytes, limit_bytes))


def _share(reading: float, limit: float) -> float | None:
    return round(reading / limit, 3) if limit else None


def recover_report(view: View, recover: Recover, after: Recovery) -> RecoverReport:
    clauses = tuple(_clause(clause.for_seconds, clause_findings(clause, view)) for clause in recover.when)
    steps = tuple(StepReport(printable(str(step)), _met(view, step)) for step in recover.steps)
    return RecoverReport(recover, clauses, steps, _why_not(view, recover, clauses, after))


def _clause(for_seconds: float, findings: tuple[Finding, ...]) -> ClauseReport:
    return ClauseReport(for_seconds, findings, verdict(findings))


def _why_not(view: View, recover: Recover, clauses: tuple[ClauseReport, ...], after: Recovery) -> str:
    """Why a recovery does not run, checked after the decision and in the order of the decision."""
    if after.run is not None:
        return ""
    if not any(clause.holds for clause in clauses):
        return "no clause holds"
    if recover.mode is Mode.OBSERVE:
        return "it only observes (mode)"
    if not recover.hours.contain(view.snapshot.clock.local_minute):
        return f"it is outside its hours ({recover.hours})"
    if after.held_since is not None:
        left = after.held_since + recover.per_seconds - view.now
        return (f"it is held after {len(after.started)} attempts that did not help, "
                f"for another {formatting.duration(left)}")
    rested = view.now - (after.ended if after.ended is not None else view.now)
    return f"it cools down for another {formatting.duration(max(0.0, wait_seconds(recover, after) - rested))}"


def _met(view: View, step: RecoveryStep) -> str:
    """What the step would find now; empty if that is only known when it runs."""
    match step.verb:
        case Verb.STOP | Verb.START | Verb.RESTART | Verb.VERIFY:
            states = [(name, view.snapshot.services.get(name)) for name in step.names]
            return ", ".join(f"{state.unit} is {state.status}" if state else f"the state of {name} is not known"
                             for name, state in states)
        case Verb.KILL | Verb.FREEZE | Verb.CONTAIN:
            return "; ".join(_members(view, name) for name in step.names)
        case Verb.PURGE:
            return "; ".join(_spool(view, name) for name in step.names)
        case Verb.RUN | Verb.WAIT:
            return ""
        case _:
            assert_never(step.verb)


def clean_report(view: View, clean: Clean, before: History, begins: bool) -> CleanReport:
    state = scheduled(clean, before.cleans.get(clean.name), view.now)
    why = "" if begins else why_waiting(view, clean, state, before) or "another one is due first, or it was refused"
    return CleanReport(clean, max(0.0, state.due - view.now), _spool(view, clean.spool), why)


def _members(view: View, noun: str) -> str:
    group = view.matching(noun)
    named = ", ".join(process.label for process in group[:MOST_NAMED])
    more = f" and {len(group) - MOST_NAMED} more" if len(group) > MOST_NAMED else ""
    return f"{named}{more}" if group else f"no process matches {noun}"


def _spool(view: View, name: str) -> str:
    state = view.snapshot.spools.get(name)
    if state is None:
        return f"spool {name} was not scanned"
    if state.problem is not None:
        return f"refused: {state.problem}"
    bound = "" if state.complete else "at least "
    gaps = f" ({state.gaps})" if state.gaps else ""
    path = printable(view.policy.spools[name].path)
    return f"{bound}{state.stale} of {state.entries} entries in {path} are stale{gaps}"
