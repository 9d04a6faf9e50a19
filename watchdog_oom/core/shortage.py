"""When memory is so short that the emergency is met, or near. Pure.

Two ways lead to it: memory and swap are both below their thresholds; or everything waits for memory while it is short,
however much swap is left.
"""

from __future__ import annotations

from watchdog_oom import formatting
from watchdog_oom.core.condition import Finding, SnapshotView
from watchdog_oom.core.conditions.memory import (
    MemoryAvailableBelow,
    SwapFreeBelow,
    available_below,
    measure,
    swap_below,
    text,
)
from watchdog_oom.core.conditions.pressure import PressureAbove
from watchdog_oom.core.memory import Memory, Pressure
from watchdog_oom.core.nouns import Size
from watchdog_oom.core.policy import Emergency

DESPERATE_FACTOR = 0.5
NEAR_FACTOR = 2.0
IMMINENT_FACTOR = 4.0
SHORT_FACTOR = 2.0
FLOOR_PERCENT = 1.0
FLOOR_LEAST_BYTES = 16 << 20
FLOOR_MOST_BYTES = 200 << 20
PRESSURE_OFF_PERCENT = 100.0


def met(memory: Memory, emergency: Emergency) -> bool:
    """Whether both measures are below their thresholds."""
    return _within(memory, emergency, 1.0)


def desperate(memory: Memory, emergency: Emergency) -> bool:
    """Whether there is no time left for TERM: both measures are below half of their thresholds."""
    return _within(memory, emergency, DESPERATE_FACTOR)


def near(memory: Memory, emergency: Emergency, pressure: Pressure | None = None) -> bool:
    """Whether every process should be read at each tick: both measures are below twice their thresholds, or half of the
    pressure is there that an emergency needs."""
    if _within(memory, emergency, NEAR_FACTOR):
        return True
    return (pressure is not None and watches_pressure(emergency)
            and pressure.full_avg10_percent > emergency.pressure_full_above / NEAR_FACTOR
            and memory_low(memory, emergency.memory_available_below, SHORT_FACTOR))


def imminent(memory: Memory, emergency: Emergency) -> bool:
    """Whether an emergency may come before the next tick: both measures are below four times their thresholds, and not
    below them yet."""
    return _within(memory, emergency, IMMINENT_FACTOR) and not met(memory, emergency)


def watches_pressure(emergency: Emergency) -> bool:
    return emergency.pressure_full_above < PRESSURE_OFF_PERCENT


def floor_bytes(memory: Memory, threshold: Size) -> float:
    """What must be available whatever its share: some memory is counted on neither side of the fraction.

    1 % of RAM between 16 and 200 MiB, and never more than the threshold's own share of RAM; nothing where the policy
    gives a size, since that is a floor already.
    """
    if threshold.percent is None:
        return 0.0
    wanted = min(FLOOR_MOST_BYTES, max(FLOOR_LEAST_BYTES, memory.total_bytes * FLOOR_PERCENT / 100.0))
    return min(wanted, threshold.of(memory.total_bytes))


def memory_low(memory: Memory, threshold: Size, factor: float = 1.0) -> bool:
    """Whether less is available than ``factor`` times the threshold, or than that much of the floor."""
    return (available_below(memory, threshold.scaled(factor))
            or memory.available_bytes < floor_bytes(memory, threshold) * factor)


def missing_bytes(memory: Memory, threshold: Size) -> float:
    """How much ending a process must give back to help where only the floor says that memory is short; else 0."""
    if available_below(memory, threshold):
        return 0.0
    return max(0.0, floor_bytes(memory, threshold) - memory.available_bytes)


def evidence(view: SnapshotView, emergency: Emergency) -> tuple[Finding, Finding]:
    """The first way: memory and swap against their thresholds."""
    return _memory_finding(view, emergency.memory_available_below), SwapFreeBelow(emergency.swap_free_below).find(view)


def pressure_evidence(view: SnapshotView, emergency: Emergency) -> tuple[Finding, ...]:
    """The second way: pressure, and that memory is short; nothing if the policy does not use it."""
    if not watches_pressure(emergency):
        return ()
    return (PressureAbove(full=True, percent=emergency.pressure_full_above).find(view), _short_finding(view, emergency))


def _memory_finding(view: SnapshotView, threshold: Size) -> Finding:
    finding = MemoryAvailableBelow(threshold).find(view)
    memory = view.snapshot.memory
    if memory is None or finding.holds or not memory_low(memory, threshold):
        return finding
    floor = formatting.size(floor_bytes(memory, threshold))
    return Finding(True, f"{measure(memory)}; threshold {text(threshold)}, but never less than {floor})")


def _short_finding(view: SnapshotView, emergency: Emergency) -> Finding:
    memory, threshold = view.snapshot.memory, emergency.memory_available_below
    if memory is None:
        return Finding(False, "memory could not be read", known=False)
    return Finding(memory_low(memory, threshold, SHORT_FACTOR),
                   f"{measure(memory)}; it counts as short below {text(threshold.scaled(SHORT_FACTOR))})")


def _within(memory: Memory, emergency: Emergency, factor: float) -> bool:
    return (memory_low(memory, emergency.memory_available_below, factor)
            and swap_low(memory, emergency.swap_free_below, factor))


def swap_low(memory: Memory, threshold: Size, factor: float = 1.0) -> bool:
    """Whether less swap is free than ``factor`` times the threshold; always where swap does not matter."""
    return (threshold.of(memory.swap_total_bytes) >= memory.swap_total_bytes
            or swap_below(memory, threshold.scaled(factor)))
