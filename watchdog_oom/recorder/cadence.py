"""Which ticks are recorded: by the clock, all near a threshold, and the last minute when something opens. Pure.

What is recorded beyond the clock is paid from a credit, so that a host that is tight for days does not displace the
nights before: it is refilled as fast as samples come by the clock, so that a day has at most twice as many.
"""

from __future__ import annotations

from watchdog_oom.lean_dataclasses import dataclass, replace

RING_TICKS = 60
MOST_CREDIT = 1200.0  # samples: twenty minutes of a tick a second
OPENING_SECONDS = 60.0  # what opens sooner after another opening belongs to it
_EARLY_SHARE = 0.05  # of the distance of two samples: ticks do not come exactly on time


@dataclass(frozen=True, slots=True)
class SampleVerdict:
    """What becomes of one tick. ``due``: it is recorded when the ring is full, or earlier. ``at_once``: it is recorded
    now, after those that are due before it. ``ring``: and all that wait before it as well. ``keyframe``: as a whole."""

    due: bool = False
    at_once: bool = False
    ring: bool = False
    keyframe: bool = False


@dataclass(frozen=True, slots=True)
class Cadence:
    """``due_at``: when the next sample by the clock is due; ``pressing_at`` and ``opened_at``: when a tick was near a
    threshold last, and when something opened last. Times are seconds of CLOCK_BOOTTIME."""

    every_seconds: float
    due_at: float = float("-inf")
    credit: float = MOST_CREDIT
    credited_at: float = 0.0
    pressing_at: float = float("-inf")
    opened_at: float = float("-inf")

    def judge(self, now: float, *, pressing: bool, opening: bool) -> tuple[SampleVerdict, Cadence]:
        """The verdict about a tick at ``now``, and the cadence after it."""
        credit = min(MOST_CREDIT, self.credit + max(0.0, now - self.credited_at) / self.every_seconds)
        due = now >= self.due_at - self.every_seconds * _EARLY_SHARE
        due_at = self.due_at
        if due:  # of a tick that was late, the next is not late as well
            due_at = (due_at if now - due_at < self.every_seconds / 2 else now) + self.every_seconds
        opens = opening and now - self.opened_at >= OPENING_SECONDS
        begins = opens or (pressing and now - self.pressing_at >= OPENING_SECONDS)
        ring = begins and credit >= RING_TICKS
        at_once = opens or ((pressing or opening) and (due or credit >= 1.0))
        cost = RING_TICKS * ring + (at_once and not due)
        verdict = SampleVerdict(due, at_once, ring, keyframe=opens)
        return verdict, replace(self, due_at=due_at, credit=max(0.0, credit - cost), credited_at=now,
                                pressing_at=now if pressing else self.pressing_at,
                                opened_at=now if opens else self.opened_at)
