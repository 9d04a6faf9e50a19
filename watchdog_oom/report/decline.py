"""When memory was shortest, and since when it had been falling: the shape of the night."""

from __future__ import annotations

from collections.abc import Sequence

from watchdog_oom.report.model import Decline, HostPoint

_FALLEN_SHARE = 0.15  # of the whole fall: from here on it counts as falling
LONGEST_LOOK_SECONDS = 6 * 3600.0


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
    calm = rooms[len(rooms) * 9 // 10]  # the best of a host that breathes, not its one best moment
    edge = calm - _FALLEN_SHARE * (calm - worst.room_bytes)
    before = next((point for point in reversed(ahead) if (point.room_bytes or 0) >= edge), ahead[0])
    return Decline(before, worst, max(0, (before.room_bytes or 0) - worst.room_bytes), before is ahead[0])
