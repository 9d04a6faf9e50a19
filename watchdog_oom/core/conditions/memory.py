"""Conditions on free memory and swap."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from watchdog_oom import formatting
from watchdog_oom.core.condition import Condition, Family, Finding, SnapshotView
from watchdog_oom.core.form import Form
from watchdog_oom.core.memory import Memory
from watchdog_oom.core.nouns import Size
from watchdog_oom.lean_dataclasses import dataclass
from watchdog_oom.lean_typing import Any


@dataclass(frozen=True, slots=True)
class MemoryAvailableBelow:
    """What is available below a size, or below a percentage of what user space could have."""

    threshold: Size

    def find(self, view: SnapshotView) -> Finding:
        memory = view.snapshot.memory
        if memory is None:
            return Finding(False, "memory could not be read", known=False)
        return Finding(available_below(memory, self.threshold), f"{measure(memory)}; threshold {text(self.threshold)})")


@dataclass(frozen=True, slots=True)
class MemoryAvailableAbove:
    """The opposite, for actions that must wait until there is enough memory."""

    threshold: Size

    def find(self, view: SnapshotView) -> Finding:
        below = MemoryAvailableBelow(self.threshold).find(view)
        return Finding(below.known and not below.holds, below.words, below.known)


@dataclass(frozen=True, slots=True)
class SwapFreeBelow:
    """Free swap below a size or a percentage of all swap; always true on a host without swap, and for 100 % or more."""

    threshold: Size

    def find(self, view: SnapshotView) -> Finding:
        memory = view.snapshot.memory
        if memory is None:
            return Finding(False, "memory could not be read", known=False)
        if memory.swap_total_bytes == 0:
            return Finding(True, "there is no swap")
        if self.threshold.of(memory.swap_total_bytes) >= memory.swap_total_bytes:
            return Finding(True, f"swap does not matter (threshold {text(self.threshold)})")
        return Finding(swap_below(memory, self.threshold),
                       f"swap free is {formatting.percent(memory.swap_free_percent)} "
                       f"({formatting.size(memory.swap_free_bytes)}; threshold {text(self.threshold)})")


def available_below(memory: Memory, threshold: Size) -> bool:
    if threshold.percent is not None:
        return memory.available_percent < threshold.percent
    return memory.available_bytes < threshold.of(memory.total_bytes)


def swap_below(memory: Memory, threshold: Size) -> bool:
    """A threshold of all swap or more is met however much is free: so a policy says that swap does not matter."""
    limit_bytes = threshold.of(memory.swap_total_bytes)
    return limit_bytes >= memory.swap_total_bytes or memory.swap_free_bytes < limit_bytes


def measure(memory: Memory) -> str:
    """What is available in words, for a threshold and a bracket to follow."""
    zfs = f", {formatting.size(memory.zfs_bytes)} of it ZFS cache" if memory.zfs_bytes else ""
    group = " within the limit of the control group" if memory.group else ""
    return (f"memory available{group} is {formatting.percent(memory.available_percent)} "
            f"({formatting.size(memory.available_bytes)}{zfs}")


def text(threshold: Size) -> str:
    """A threshold in words: the percentage as written, or the size."""
    return f"{threshold.percent:g}%" if threshold.percent is not None else formatting.size(threshold.of(0))


def _build(values: Mapping[str, Any]) -> Condition:
    (key, threshold), = values.items()
    return _CONDITIONS[key](threshold)


_CONDITIONS: Mapping[str, Callable[[Size], Condition]] = {
    "memory_available_below": MemoryAvailableBelow, "memory_available_above": MemoryAvailableAbove,
    "swap_free_below": SwapFreeBelow}
FAMILY = Family(keys=dict.fromkeys(_CONDITIONS, Form.SIZE), build=_build)
