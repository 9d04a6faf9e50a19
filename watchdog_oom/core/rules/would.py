"""What a rule that only observes or reports would do, and to whom, in words. Guard is asked as it would be. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from watchdog_oom.core.actions import Action, Contain, SetOomScoreAdj, Signal, SignalName
from watchdog_oom.core.guard import refusal, untouchable
from watchdog_oom.core.matching import names_target
from watchdog_oom.core.model import Process
from watchdog_oom.core.policy import Limit, Recover, RecoveryStep, Then, Verb
from watchdog_oom.core.rules.containment import Bounds
from watchdog_oom.core.rules.short_lived import LIVED_SECONDS
from watchdog_oom.core.tick import Tick
from watchdog_oom.formatting import printable
from watchdog_oom.lean_typing import assert_never

MOST_NAMED = 10
MOST_TOLD = 50


def limited(tick: Tick, limit: Limit, process: Process) -> str:
    """What a limit would do about a process: what the policy says, or where that is a report, what is the default."""
    explicit = names_target(tick.view.policy.processes[limit.process], process)
    match limit.would or Then.KILL:
        case Then.KILL | Then.REPORT:
            signal = SignalName.TERM if limit.grace_seconds > 0 else SignalName.KILL
            return _would(tick, Signal(process.id, process.comm, signal, limit.process, explicit))
        case Then.FREEZE:
            return _would(tick, Signal(process.id, process.comm, SignalName.STOP, limit.process, explicit))
        case Then.CONTAIN:
            return _contained(tick, process, Bounds(limit.contained_at, limit.memory_max), limit.process)
        case other:
            assert_never(other)


def recovered(tick: Tick, recover: Recover) -> str:
    """What a recovery would do, step by step, to those it would meet now."""
    return "; ".join(words for step in recover.steps for words in _step(tick, step))


def tell_scores(tick: Tick) -> None:
    """Each process whose score would be changed, once an hour."""
    for protect in tick.view.policy.protects.values():
        rule = f"protect.{protect.name}"
        for process in tick.view.matching(protect.process) if protect.would is not None else ():
            there, value = process.oom_score_adj, protect.would or 0
            if there is None or there <= value or process.age_seconds(tick.view.snapshot.clock) < LIVED_SECONDS:
                continue
            if tick.rate_limit(f"{rule} reports {process.id}", most=MOST_TOLD, kind=f"{rule} reports "):
                reason = _refused(tick, SetOomScoreAdj(process.id, process.comm, value, protect.process))
                would = f"would set oom_score_adj of {process.label} from {there} to {value}"
                tick.note(rule, f"observed only: {would}" + (f", but that is refused: {reason}" if reason else ""),
                          target=process.id, comm=process.comm)


def _would(tick: Tick, action: Action) -> str:
    reason = _refused(tick, action)
    return f"would {action}" if reason is None else f"would not {action}: {reason}"


def _refused(tick: Tick, action: Action) -> str | None:
    return refusal(action, tick.view, tick.budget, len(tick.kills))


def _contained(tick: Tick, process: Process, bounds: Bounds, noun: str) -> str:
    unit, amounts = process.facts.unit, bounds.in_bytes(tick)
    if unit is None or amounts is None:
        why = "it is not in a systemd unit" if unit is None else "memory could not be read"
        return f"would not contain the unit of {process.label}: {why}"
    return _would(tick, Contain(unit, *amounts, noun))


def _step(tick: Tick, step: RecoveryStep) -> Iterator[str]:
    match step.verb:
        case Verb.STOP | Verb.START | Verb.RESTART | Verb.VERIFY if not step.stopped:
            services = [tick.view.policy.services[name] for name in step.names]
            stops = step.verb in (Verb.STOP, Verb.RESTART)
            units = [unit for service in services
                     for unit in (*(service.triggers if stops else ()), service.unit)]
            yield f"would {step.verb} {', '.join(units)}"
        case Verb.KILL:
            yield from _signalled(tick, step, SignalName.TERM)
        case Verb.FREEZE:
            yield from _signalled(tick, step, SignalName.STOP)
        case Verb.CONTAIN:
            bounds = Bounds(step.memory_high, step.memory_max)
            yield from dict.fromkeys(_contained(tick, process, bounds, name)
                                     for name in step.names for process in tick.view.matching(name)[:MOST_NAMED])
        case Verb.PURGE:
            for name in step.names:
                yield f"would purge {name}{_stale(tick, name)}"
        case _:
            yield f"would {printable(str(step))}"


def _signalled(tick: Tick, step: RecoveryStep, signal: SignalName) -> Iterator[str]:
    """All of a step's processes: those it would signal, then those it would leave alone."""
    group = [(process, untouchable(process, tick.view, explicit=names_target(noun, process)))
             for noun in (tick.view.policy.processes[name] for name in step.names)
             for process in tick.view.matching(noun.name)]
    yield _listed(f"would {signal}", [process.label for process, reason in group if reason is None],
                  f"would find no process of {', '.join(step.names)} to {step.verb}")
    kept = [f"{process.label}: {reason}" for process, reason in group if reason is not None]
    if kept:
        yield _listed(f"would not {signal}", kept, "")


def _listed(verb: str, whom: list[str], nobody: str) -> str:
    more = f" and {len(whom) - MOST_NAMED} more" if len(whom) > MOST_NAMED else ""
    return f"{verb} {', '.join(whom[:MOST_NAMED])}{more}" if whom else nobody


def _stale(tick: Tick, name: str) -> str:
    state = tick.view.snapshot.spools.get(name)
    if state is None:
        return ""
    path = printable(tick.view.policy.spools[name].path)
    return f" ({state.problem or f'{state.stale} of {state.entries} entries in {path} are stale'})"
