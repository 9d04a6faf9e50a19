"""How much memory and swap there is, and how long is waited for it."""

from __future__ import annotations

from watchdog_oom.lean_dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Memory:
    """/proc/meminfo, in bytes (proc(5)); percentages count as earlyoom does: of MemAvailable + AnonPages."""

    total_bytes: int
    available_bytes: int
    anonymous_bytes: int
    swap_total_bytes: int
    swap_free_bytes: int

    @property
    def available_percent(self) -> float:
        """MemAvailable in percent of what user space could ever have: a tmpfs full of files does not count."""
        userspace_bytes = self.available_bytes + self.anonymous_bytes
        return 100.0 * self.available_bytes / userspace_bytes if userspace_bytes else 100.0

    @property
    def swap_free_percent(self) -> float:
        """Free swap in percent of all swap; 0 on a host without swap, so every ``swap_free_below`` is met."""
        return 100.0 * self.swap_free_bytes / self.swap_total_bytes if self.swap_total_bytes else 0.0


@dataclass(frozen=True, slots=True)
class Pressure:
    """/proc/pressure/memory: shares of time stalled in percent over 10 s, totals in microseconds (accounting/psi)."""

    some_avg10_percent: float
    full_avg10_percent: float
    some_total_us: int = 0
    full_total_us: int = 0
