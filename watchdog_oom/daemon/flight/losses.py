"""What the flight recorder lost, told in the journal: not at every loss, but with its count, once an hour at most."""

from __future__ import annotations

from collections.abc import Callable

from watchdog_oom import formatting
from watchdog_oom.journal.record import Kind, Record

TELL_AFTER_SECONDS = 10.0  # so that the first record has a count, too
TELL_AGAIN_SECONDS = 3600.0


class Losses:
    """``ticks`` could not be handed over to the process that writes, ``samples`` could not be written by it."""

    def __init__(self) -> None:
        self._told = (0, 0)
        self._told_at = float("-inf")
        self._since: float | None = None

    def tell(self, ticks: int, samples: int, why: str, now: float, write: Callable[[Record], None]) -> None:
        """To be called at every tick, at ``now`` (CLOCK_BOOTTIME)."""
        if (ticks, samples) == self._told:
            return
        self._since = now if self._since is None else self._since
        if now - self._since < TELL_AFTER_SECONDS or now - self._told_at < TELL_AGAIN_SECONDS:
            return
        news = {"dropped_ticks": ticks - self._told[0], "lost_samples": samples - self._told[1]}
        parts = [f"{formatting.count(number, unit)} could not be {what}" for number, unit, what in (
            (news["dropped_ticks"], "tick", "handed over to the process that records"),
            (news["lost_samples"], "sample", "written")) if number]
        write(Record(Kind.INCIDENT, rule="recorder", ok=False, because=(why,) if why else (), detail=news,
                     result=f"the flight recorder has gaps: {', '.join(parts)}"))
        self._told, self._told_at, self._since = (ticks, samples), now, None
