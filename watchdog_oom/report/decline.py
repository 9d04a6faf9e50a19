"""When memory was shortest, and since when it had been falling: the shape of the night."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from watchdog_oom.report.model import HostPoint

LEAST_FALL_SHARE = 0.10  # of RAM and swap: less is the breathing of a host
_FALLEN_SHARE = 0.15  # of the whole fall: from here on it counts as falling
LONGEST_LOOK_SECONDS = 6 * 3600.0


@dataclass(frozen=True, slots=True)
class Decline:
    """``worst`` is the point with the least room, ``before`` the one from which it fell, ``from_start`` whether it was
    falling already when the recording began. ``lost_bytes`` is what went between the two."""

    before: HostPoint
    worst: HostPoint
    lost_bytes: int
    from_start: bool

    @property
    def is_real(self) -> bool:
        everything = (self.worst.total_bytes or 0) + (self.worst.swap_total_bytes or 0)
        return self.lost_bytes >= LEAST_FALL_SHARE * everything > 0


def worst_of(points: Sequence[HostPoint]) -> HostPoint | None:
    known = [point for point in points if point.room_bytes is not None]
    return min(known, key=lambda point: point.room_bytes or 0, default=None)


def decline(points: Sequence[HostPoint], until: float | None = None) -> Decline | None:
    """The fall to the worst point, of those until a time; ``None`` where nothing is known."""
    known = [point for point in points if point.room_bytes is not None and (until is None or point.at <= until)]
    worst = worst_of(known)
    if worst is None or worst.room_bytes is None:
        return None
    ahead = [point for point in known if worst.at - LONGEST_LOOK_SECONDS <= point.at <= worst.at]
    rooms = sorted(point.room_bytes or 0 for point in ahead)
    calm = rooms[len(rooms) * 3 // 4]
    edge = calm - _FALLEN_SHARE * (calm - worst.room_bytes)
    before = next((point for point in reversed(ahead) if (point.room_bytes or 0) >= edge), ahead[0])
    return Decline(before, worst, max(0, (before.room_bytes or 0) - worst.room_bytes), before is ahead[0])
