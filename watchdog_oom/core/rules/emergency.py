"""[emergency]: the last resort. Act before the kernel does, and on someone better than the kernel would choose."""

from __future__ import annotations

from watchdog_oom import formatting
from watchdog_oom.core.condition import Finding
from watchdog_oom.core.conditions.memory import MemoryAvailableBelow, SwapFreeBelow, available_below, swap_below
from watchdog_oom.core.guard import untouchable
from watchdog_oom.core.history import Stage
from watchdog_oom.core.memory import Memory
from watchdog_oom.core.model import Process
from watchdog_oom.core.policy import Emergency, Mode
from watchdog_oom.core.rules.kill_escalation import killing, unkillable
from watchdog_oom.core.tick import Tick
from watchdog_oom.core.view import View

RULE = "emergency"
GRACE_SECONDS = 5.0
SETTLE_SECONDS = 0.2
DESPERATE_FACTOR = 0.5
NEAR_FACTOR = 2.0
IMMINENT_FACTOR = 4.0
CALM_SECONDS = 10.0
WORTH_PERCENT = 1.0


def near(memory: Memory, emergency: Emergency) -> bool:
    """Whether every process should be read at each tick: both measures are below twice their thresholds."""
    return _within(memory, emergency, NEAR_FACTOR)


def imminent(memory: Memory, emergency: Emergency) -> bool:
    """Whether an emergency may come before the next tick: both measures are below four times their thresholds, and not
    below them yet."""
    return _within(memory, emergency, IMMINENT_FACTOR) and not met(memory, emergency)


def met(memory: Memory, emergency: Emergency) -> bool:
    """Whether both measures are below their thresholds."""
    return _within(memory, emergency, 1.0)


def apply(tick: Tick) -> None:
    emergency = tick.view.policy.emergency
    memory = tick.view.snapshot.memory
    if memory is None:
        return
    findings = evidence(tick.view, emergency)
    if not all(finding.holds for finding in findings):
        _close(tick, findings)
        return
    because = tuple(finding.words for finding in findings)
    if emergency.mode is Mode.OBSERVE:
        _observe(tick, because)
        return
    _act(tick, because, at_once=_within(memory, emergency, DESPERATE_FACTOR))


def evidence(view: View, emergency: Emergency) -> tuple[Finding, Finding]:
    return (MemoryAvailableBelow(emergency.memory_available_below).find(view),
            SwapFreeBelow(emergency.swap_free_below).find(view))


def ranked(view: View) -> list[Process]:
    """Everybody who may be chosen, the best victim first: the preferred, then by badness. Whoever holds so little that
    its end would not help comes last, whatever its badness: else one large process with a low oom_score_adj would cost
    a host all its small ones."""
    memory = view.snapshot.memory
    total = memory.total_bytes + memory.swap_total_bytes if memory else 0
    preferred = {process.id for name in view.policy.emergency.prefer for process in view.matching(name)}
    worth_bytes = total * WORTH_PERCENT / 100.0

    def rank(process: Process) -> tuple[bool, bool, int, int]:
        holds = process.rss_bytes + (process.swap_bytes or 0)
        return (holds >= worth_bytes, process.id in preferred, badness(process, total), holds)

    candidates = [process for process in view.snapshot.processes.values()
                  if not process.dead and not process.kernel_thread and process.rss_bytes > 0]
    return sorted(candidates, key=rank, reverse=True)


def badness(process: Process, total_bytes: int) -> int:
    """The kernel's own score (oom_score, proc(5)), or its formula: share of RAM and swap in ‰, plus oom_score_adj."""
    if process.badness is not None:
        return process.badness
    share = 1000 * (process.rss_bytes + (process.swap_bytes or 0)) // total_bytes if total_bytes else 0
    return max(0, share + (process.oom_score_adj or 0))


def _act(tick: Tick, because: tuple[str, ...], *, at_once: bool) -> None:
    if tick.emergency is None:
        tick.emergency = tick.new_id(RULE)
        tick.note(RULE, "opened: memory and swap are running out", because=because, incident=tick.emergency)
    if killing(tick) or tick.now - tick.ended_at < SETTLE_SECONDS:
        return  # Law 3: the memory of the last one is still on its way back
    if not at_once and any(termination.urgent and termination.stage is Stage.TERM and identity not in tick.shunned
                           for identity, termination in tick.terminations.items()):
        return
    _take_best(tick, because, at_once=at_once)


def _take_best(tick: Tick, because: tuple[str, ...], *, at_once: bool) -> None:
    passed_over: list[str] = []
    for process in ranked(tick.view):
        who = f"{process.label} ({formatting.size(process.rss_bytes)})"
        reason = "it is unkillable" if unkillable(tick, process.id) else untouchable(process, tick.view)
        if reason is not None:
            passed_over.append(f"passed over {who}: {reason}")
            continue
        chosen = f"chose {who}, badness {badness(process, _total(tick.view))}"
        if tick.end(process, RULE, (*because, chosen, *passed_over[:5]), GRACE_SECONDS, incident=tick.emergency,
                    urgent=True, at_once=at_once):
            return
    if tick.rate_limit(f"{tick.emergency} without victim"):
        tick.note(RULE, "nobody is left who may be ended; the kernel will choose", incident=tick.emergency,
                  because=(*because, *passed_over[:10]))


def _observe(tick: Tick, because: tuple[str, ...]) -> None:
    if tick.rate_limit("emergency observed"):
        best = next((p for p in ranked(tick.view) if untouchable(p, tick.view) is None), None)
        would = f"would end {best.label}" if best else "would find nobody to end"
        tick.note(RULE, f"observed only: {would}", because=because)


def _close(tick: Tick, findings: tuple[Finding, Finding]) -> None:
    """One trouble is one incident: it is over when memory has not been short for a while."""
    if tick.emergency is not None and tick.sustained(f"{tick.emergency} calm", True, CALM_SECONDS):
        tick.note(RULE, "closed: the emergency is over", incident=tick.emergency,
                  because=tuple(finding.words for finding in findings))
        tick.emergency = None


def _within(memory: Memory, emergency: Emergency, factor: float) -> bool:
    return (available_below(memory, emergency.memory_available_below.scaled(factor))
            and swap_below(memory, emergency.swap_free_below.scaled(factor)))


def _total(view: View) -> int:
    memory = view.snapshot.memory
    return memory.total_bytes + memory.swap_total_bytes if memory else 0
