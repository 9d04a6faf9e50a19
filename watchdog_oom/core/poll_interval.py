"""How long to sleep until the next tick: long while memory is plentiful, shorter as it runs out. Pure."""

from __future__ import annotations

from watchdog_oom.core.memory import Memory
from watchdog_oom.core.policy import Emergency
from watchdog_oom.core.shortage import floor_bytes

_KIB = 1024
MEMORY_FILL_KIB_PER_MS = 6000
SWAP_FILL_KIB_PER_MS = 800


def pause_seconds(memory: Memory | None, emergency: Emergency, *, fastest: float = 0.1, slowest: float = 1.0) -> float:
    """The time in which memory and swap cannot yet fall to the emergency's thresholds, clamped to a range.

    The fill rates are earlyoom's: memory fills at no more than 6000 MiB/s, swap at no more than 800 MiB/s. Both must
    be low for an emergency, so their headrooms add up.
    """
    if memory is None:
        return slowest
    threshold = emergency.memory_available_below
    floor = max(threshold.of(memory.userspace_bytes if threshold.percent is not None else memory.total_bytes),
                floor_bytes(memory, threshold))
    headroom_kib = max(0.0, memory.available_bytes - floor) / _KIB
    swap_headroom_kib = max(0.0, memory.swap_free_bytes - emergency.swap_free_below.of(memory.swap_total_bytes)) / _KIB
    milliseconds = headroom_kib / MEMORY_FILL_KIB_PER_MS + swap_headroom_kib / SWAP_FILL_KIB_PER_MS
    return min(slowest, max(fastest, milliseconds / 1000))
