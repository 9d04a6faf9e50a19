"""The kernel's own OOM kills in the journal, whether or not a rule asks for them: the first at once, then gathered."""

from __future__ import annotations

from collections.abc import Callable

from watchdog_oom import formatting
from watchdog_oom.core.model import KernelKill
from watchdog_oom.journal.record import Kind, Record

RULE = "kernel"
TELL_AGAIN_SECONDS = 60.0  # in a container whoever likes can make the kernel kill, as often as he likes
MOST_NAMED = 10


class KernelKillNews:
    """``detail.kernel_kills`` counts all, by whose memory had run out: the ``host``'s, a control group's (``memcg``),
    or ``unknown`` where only the kernel's counter tells of a kill. A kill is told at once if none was told within a
    minute, and when that minute is over at the latest."""

    def __init__(self, write: Callable[[Record], None]) -> None:
        self._write = write
        self._told_at = float("-inf")
        self._named: list[KernelKill] = []
        self._counts: dict[str, int] = {}

    def tell(self, news: tuple[KernelKill, ...], now: float) -> None:
        """To be called at every tick, at ``now`` (CLOCK_BOOTTIME)."""
        for kill in news:
            constraint = "memcg" if kill.cgroup else "host" if kill.pid else "unknown"
            self._counts[constraint] = self._counts.get(constraint, 0) + 1
        self._named = [*self._named, *news][:MOST_NAMED]
        if self._counts and now - self._told_at >= TELL_AGAIN_SECONDS:
            self.flush()
            self._told_at = now

    def flush(self) -> None:
        """What is not told yet."""
        if not self._counts:
            return
        names = [formatting.process_label(kill.comm, kill.pid) for kill in self._named if kill.pid]
        unnamed = sum(self._counts.values()) - len(names)
        more = [f"{unnamed} {'more' if names else 'without a name'}"] if unnamed else []
        self._write(Record(Kind.INCIDENT, rule=RULE, ok=False, result=f"the kernel killed {', '.join([*names, *more])}",
                           because=tuple(kill.line for kill in self._named), detail={"kernel_kills": self._counts}))
        self._named, self._counts = [], {}
