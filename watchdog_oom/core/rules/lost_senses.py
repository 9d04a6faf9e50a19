"""Readings that are lost are reported, and again every hour: a blind daemon must not look like a calm host."""

from __future__ import annotations

from watchdog_oom.core.tick import Tick

MEMORY_RULE = "memory"
KERNEL_LOG_RULE = "kernel log"
LOST_SECONDS = 5.0
BLIND = "memory cannot be judged: the emergency and every condition and percentage on memory are off"


def apply(tick: Tick) -> None:
    _memory(tick)
    _kernel_log(tick)


def _memory(tick: Tick) -> None:
    """A single bad reading is not reported (Law 10)."""
    snapshot = tick.view.snapshot
    key = "memory cannot be judged"
    since = tick.before.held_since.get(key, tick.now)
    if tick.sustained(key, snapshot.memory is None, LOST_SECONDS):
        if tick.rate_limit(key):
            tick.note(MEMORY_RULE, BLIND, because=(snapshot.memory_problem or "it cannot be read",))
    elif snapshot.memory is not None and tick.forget(key):
        tick.note(MEMORY_RULE, "memory can be judged again", took_seconds=round(tick.now - since, 1))


def _kernel_log(tick: Tick) -> None:
    gaps = tick.view.snapshot.kernel_log_gaps
    if gaps and tick.rate_limit("kernel log lost"):
        tick.note(KERNEL_LOG_RULE, "records of the kernel's log were overwritten before they could be read: OOM kills "
                                   "among them are reported without a name",
                  because=(f"{gaps} gap{'' if gaps == 1 else 's'} at this look; status counts them",))
