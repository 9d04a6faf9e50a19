"""Which processes an emergency ends, and in which order. Pure."""

from __future__ import annotations

from watchdog_oom import formatting
from watchdog_oom.core.guard import untouchable
from watchdog_oom.core.model import Process
from watchdog_oom.core.shortage import missing_bytes
from watchdog_oom.core.view import View

WORTH_PERCENT = 1.0


class Victims:
    """The candidates of one view. ``total_bytes`` is all memory and swap; ``least_bytes`` is what a process must hold
    for its end to help: 1 % of that, and what is missing to the floor where only the floor says that memory is short.
    The preferred are those whose noun holds that much together."""

    def __init__(self, view: View) -> None:
        self._view = view
        memory = view.snapshot.memory
        self.total_bytes = memory.total_bytes + memory.swap_total_bytes if memory else 0
        self._missing = missing_bytes(memory, view.policy.emergency.memory_available_below) if memory else 0.0
        self.least_bytes = max(self.total_bytes * WORTH_PERCENT / 100.0, self._missing)
        groups = [view.matching(name) for name in view.policy.emergency.prefer]
        self._preferred = {process.id for group in groups if sum(map(held_bytes, group)) >= self.least_bytes
                           for process in group}

    def ranked(self) -> list[Process]:
        """All that may be chosen, the best victim first: the preferred, then by badness. A process that holds so little
        that its end would not help comes last, whatever its badness: else one large process with a low oom_score_adj
        would cost a host all its small ones."""
        candidates = [process for process in self._view.snapshot.processes.values()
                      if not process.dead and not process.kernel_thread and self._held(process) > 0]
        return sorted(candidates, key=self._rank, reverse=True)

    def reason_against(self, process: Process) -> str | None:
        """Why this process is not taken now, or ``None``. Where only the floor says that memory is short, something
        other than processes has filled it, and ending one that does not give enough back would be in vain."""
        reason = untouchable(process, self._view)
        if reason is not None or not self._missing or self._helps(process):
            return reason
        return (f"its end would not help: {formatting.size(self._missing)} are missing, "
                f"and something other than processes fills the memory")

    def badness(self, process: Process) -> int:
        return badness(process, self.total_bytes)

    def _helps(self, process: Process) -> bool:
        return self._held(process) >= self.least_bytes or process.id in self._preferred

    def _rank(self, process: Process) -> tuple[bool, bool, int, int]:
        held = self._held(process)
        return (process.id in self._preferred, held >= self.least_bytes, self.badness(process), held)

    def _held(self, process: Process) -> int:
        """What it holds; where its first thread has ended and no other could be read, what the kernel's score says: two
        thirds of 1000, its share in ‰ and its oom_score_adj (fs/proc/base.c, proc_oom_score)."""
        if not _unreadable(process):
            return held_bytes(process)
        permille = (process.badness or 0) * 3 // 2 - 1000 - (process.oom_score_adj or 0)
        return self.total_bytes * max(0, permille) // 1000


def badness(process: Process, total_bytes: int) -> int:
    """The kernel's own score (oom_score, proc(5)), or its formula: share of RAM and swap in ‰, plus oom_score_adj."""
    if process.badness is not None:
        return process.badness
    share = 1000 * held_bytes(process) // total_bytes if total_bytes else 0
    return max(0, share + (process.oom_score_adj or 0))


def held_bytes(process: Process) -> int:
    """What the process has in memory and in swap."""
    return process.rss_bytes + (process.swap_bytes or 0)


def held(process: Process) -> str:
    """The same in words: ``300 MiB and 14 GiB in swap``."""
    if _unreadable(process):
        return "what it holds cannot be read"
    swap = f" and {formatting.size(process.swap_bytes)} in swap" if process.swap_bytes else ""
    return f"{formatting.size(process.rss_bytes)}{swap}"


def _unreadable(process: Process) -> bool:
    return process.state == "Z" and not process.dead and not held_bytes(process)
