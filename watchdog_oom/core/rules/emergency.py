"""[emergency]: the last resort. Act before the kernel does, and on someone better than the kernel would choose."""

from __future__ import annotations

from watchdog_oom.core.actions import SignalName
from watchdog_oom.core.condition import Finding, verdict
from watchdog_oom.core.history import Stage
from watchdog_oom.core.memory import Memory
from watchdog_oom.core.policy import Emergency, Mode
from watchdog_oom.core.rules.kill_escalation import killing, unkillable
from watchdog_oom.core.rules.victims import Victims, held
from watchdog_oom.core.shortage import desperate, evidence, pressure_evidence
from watchdog_oom.core.tick import Tick
from watchdog_oom.formatting import duration
from watchdog_oom.lean_dataclasses import dataclass

RULE = "emergency"
GRACE_SECONDS = 5.0
SETTLE_SECONDS = 0.2
PRESSURE_SETTLE_SECONDS = 15.0
CALM_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Cause:
    """Why there is an emergency, and what follows: whether there is time for TERM, and for how long the readings still
    describe the time before the last victim ended (averages over 10 s lag behind)."""

    words: str
    because: tuple[str, ...]
    at_once: bool
    settle_seconds: float


def apply(tick: Tick) -> None:
    emergency = tick.view.policy.emergency
    memory = tick.view.snapshot.memory
    pressing = pressure_evidence(tick.view, emergency)
    holds = verdict(pressing) if pressing else False
    lasting = tick.sustained(f"{RULE} pressure", holds, emergency.pressure_for_seconds)
    if memory is None:
        return
    findings = evidence(tick.view, emergency)
    cause = _cause(memory, emergency, findings, pressing if lasting else ())
    if cause is None:
        if not holds:
            _close(tick, findings)
    elif emergency.mode is Mode.OBSERVE:
        _observe(tick, cause)
    else:
        _act(tick, cause)


def _cause(memory: Memory, emergency: Emergency, findings: tuple[Finding, ...],
           pressing: tuple[Finding, ...]) -> Cause | None:
    if all(finding.holds for finding in findings):
        return Cause("memory and swap are running out", _words(findings), desperate(memory, emergency), SETTLE_SECONDS)
    if pressing:
        lasted = f"that has lasted for {duration(emergency.pressure_for_seconds)}"
        return Cause("memory is short and everything waits for it", (*_words(pressing), lasted), False,
                     PRESSURE_SETTLE_SECONDS)
    return None


def _act(tick: Tick, cause: Cause) -> None:
    if tick.emergency is None:
        tick.emergency = tick.new_id(RULE)
        tick.note(RULE, f"opened: {cause.words}", because=cause.because, incident=tick.emergency)
    if killing(tick) or tick.now - tick.ended_at < SETTLE_SECONDS or tick.now - tick.relieved_at < cause.settle_seconds:
        return  # Law 3: the memory of the last victim is still being freed
    if not cause.at_once and any(termination.urgent and termination.stage is Stage.TERM and identity not in tick.shunned
                                 for identity, termination in tick.terminations.items()):
        return
    _take_best(tick, cause)


def _take_best(tick: Tick, cause: Cause) -> None:
    passed_over: list[str] = []
    victims = Victims(tick.view)
    for process in victims.ranked():
        who = f"{process.label} ({held(process)})"
        reason = "it is unkillable" if unkillable(tick, process.id) else victims.reason_against(process)
        if reason is not None:
            passed_over.append(f"passed over {who}: {reason}")
            continue
        chosen = f"chose {who}, badness {victims.badness(process)}"
        if tick.end(process, RULE, (*cause.because, chosen, *passed_over[:5]), GRACE_SECONDS, incident=tick.emergency,
                    urgent=True, at_once=cause.at_once):
            return
    if tick.rate_limit(f"{tick.emergency} without victim"):
        tick.note(RULE, "nobody is left who may be ended; the kernel will choose", incident=tick.emergency,
                  because=(*cause.because, *passed_over[:10]))


def _observe(tick: Tick, cause: Cause) -> None:
    if tick.rate_limit("emergency observed"):
        victims = Victims(tick.view)
        best = next((p for p in victims.ranked() if victims.reason_against(p) is None), None)
        signal = SignalName.KILL if cause.at_once else SignalName.TERM
        would = f"would {signal} {best.label} ({held(best)})" if best else "would find nobody to end"
        tick.note(RULE, f"observed only: {would}", because=cause.because, target=best.id if best else None,
                  comm=best.comm if best else "")


def _close(tick: Tick, findings: tuple[Finding, ...]) -> None:
    """One shortage is one incident: it is over when memory has not been short for a while."""
    if tick.emergency is not None and tick.sustained(f"{tick.emergency} calm", True, CALM_SECONDS):
        tick.note(RULE, "closed: the emergency is over", incident=tick.emergency, because=_words(findings))
        tick.emergency = None


def _words(findings: tuple[Finding, ...]) -> tuple[str, ...]:
    return tuple(finding.words for finding in findings)
