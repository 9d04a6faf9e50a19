"""Every OOM kill by the kernel: from its log with names, and where the log was lost from its counter without."""

from __future__ import annotations

from collections.abc import Callable

from watchdog_oom.core.model import KernelKill, Process
from watchdog_oom.host.memory.kmsg import KmsgReader
from watchdog_oom.host.memory.psi import OomKillCounter

# A kill is counted before its line is written, so the two readings of one look may differ by the newest kills.
_WAIT_FOR_THE_LINE_SECONDS = 5.0


class KernelKills:
    """``gaps`` counts how often records of the log were overwritten before they were read, ``unnamed`` the kills that
    only the counter reported."""

    def __init__(self, log: KmsgReader, counter: OomKillCounter) -> None:
        self.log = log
        self.unnamed = 0
        self._counter = counter
        self._gaps_seen = 0
        self._owed = 0
        self._owed_since = 0.0

    @property
    def gaps(self) -> int:
        return self.log.lost

    def read(self, boottime: float, last_seen: Callable[[int], Process | None]) -> tuple[KernelKill, ...]:
        """The kills since the last call. A kill that /proc/vmstat counted but the log did not report has no name: it is
        returned at once if records were lost or there is no log, else when its line has not come for a while."""
        told = self.log.read(boottime, last_seen)
        if self._owed <= 0:
            self._owed_since = boottime
        self._owed = max(0, self._owed + self._counter.new_kills() - len(told))
        lost = self.gaps > self._gaps_seen or bool(self.log.problem)
        self._gaps_seen = self.gaps
        if not self._owed or not (lost or boottime - self._owed_since >= _WAIT_FOR_THE_LINE_SECONDS):
            return told
        count, self._owed = self._owed, 0
        self.unnamed += count
        more = f"/proc/vmstat counts {count} OOM kill{'' if count == 1 else 's'} that the kernel's log did not report"
        return (*told, KernelKill(0, "?", more, boottime))

    def close(self) -> None:
        self.log.close()
        self._counter.close()
