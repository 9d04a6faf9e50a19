"""Where a process without a protected parent has its oom_score_adj from: inherited, or set by somebody.

A child inherits the value at fork and keeps it over exec (proc(5)), and when its parents end nothing on the host tells
any more whose it was. What can be told: it shows exactly a value that was written here, it was born after that, and no
other origin of the value is known. systemd gives a value only to what it starts, each in a unit of its own; whoever
descends from somebody in another unit, or from somebody older than the write, has his value from there.
"""

from __future__ import annotations

from watchdog_oom.core.model import Process, ProcessId
from watchdog_oom.core.scores import Written, home
from watchdog_oom.core.tick import Tick

NEWBORN_SECONDS = 10.0
CLOCK_TICK_SECONDS = 0.02  # the kernel tells the time of birth in hundredths of a second, rounded down


class Origins:
    """The writes that are remembered at this tick, and whom they may have reached."""

    def __init__(self, tick: Tick) -> None:
        self._tick = tick
        self._written = tick.scores.written
        self._units = frozenset(unit for _, unit in self._written if unit)
        self._first = min((written.since for written in self._written.values()), default=float("inf"))
        self._above: frozenset[ProcessId] | None = None

    @property
    def values(self) -> frozenset[int]:
        return frozenset(value for value, _ in self._written)

    def newborn(self, process: Process) -> bool:
        """Whether it was born after a write and has not been judged yet; or lives in a unit where one was, and is
        judged for good: a process may lower its own value again to the one that it was born with."""
        born = process.started_boottime
        return born >= self._first - CLOCK_TICK_SECONDS and (
            born > self._tick.scores.judged_until or process.facts.unit in self._units
            or process.id in self._tick.scores.resets)

    def of(self, process: Process) -> Written | None:
        """The write from which it has its value; ``None`` if it may be from elsewhere."""
        at = home(process)
        found = [written for (value, unit), written in self._written.items()
                 if value == process.oom_score_adj and at in ("", unit) and _born_after(process, written)]
        origin = min(found, key=lambda written: written.since, default=None)
        return None if origin is None or self._from_elsewhere(process, origin) else origin

    def _from_elsewhere(self, process: Process, origin: Written) -> bool:
        """Whether it descends from somebody whom our value never reached: in another unit, or older than the write and
        no ancestor of those who have a value from us."""
        units = {"", *(unit for value, unit in self._written if value == process.oom_score_adj)}
        for ancestor in self._tick.view.ancestors(process):
            if ancestor.pid == 1:
                return False
            if home(ancestor) not in units:
                return True
            if not _born_after(ancestor, origin) and ancestor.id not in self._above_ours():
                return True
        return False

    def _above_ours(self) -> frozenset[ProcessId]:
        """Those who have a value from us, and all their ancestors: an orphan may be handed to one of these."""
        if self._above is None:
            view = self._tick.view
            ours = [process for identity in self._tick.adjusted if (process := view.snapshot.alive(identity))]
            above = (ancestor.id for process in ours for ancestor in view.ancestors(process))
            self._above = frozenset((*(process.id for process in ours), *above))
        return self._above


def _born_after(process: Process, written: Written) -> bool:
    return process.started_boottime >= written.since - CLOCK_TICK_SECONDS
