"""Numbers of a chart as places on it, and fewer of them: as many as the eye can tell apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

WIDTH = 720  # of a plot, in units of the drawing; it is stretched to the window, its height never is
MOST_PLACES = 300
GAP_SHARE = 0.03  # of the whole time without a sample: the line is interrupted


@dataclass(frozen=True, slots=True)
class Scale:
    """Time goes from left to right, values from bottom to top."""

    since: float
    until: float
    top: float
    height: int
    above: int = 14

    def shows(self, since: float, until: float) -> bool:
        return since <= self.until and until >= self.since

    def x(self, wall: float) -> int:
        share = (wall - self.since) / max(1.0, self.until - self.since)
        return round(min(1.0, max(0.0, share)) * WIDTH)

    def y(self, value: float) -> int:
        share = min(1.0, max(0.0, value / self.top)) if self.top > 0 else 0.0
        return round(self.above + (1 - share) * (self.height - self.above))


def thinned(values: Sequence[tuple[float, float]], scale: Scale) -> list[list[tuple[int, int]]]:
    """Places of a line, in pieces where nothing is known between them. Of the values that fall on one place the
    highest is kept, as it is the peak that matters."""
    step = (scale.until - scale.since) / MOST_PLACES or 1.0
    kept: dict[int, tuple[float, float]] = {}
    for wall, value in values:
        index = int((wall - scale.since) / step)
        if index not in kept or value > kept[index][1]:
            kept[index] = (wall, value)
    pieces: list[list[tuple[int, int]]] = []
    before: float | None = None
    for index in sorted(kept):
        wall, value = kept[index]
        if before is None or wall - before > max(120.0, GAP_SHARE * (scale.until - scale.since)):
            pieces.append([])
        pieces[-1].append((scale.x(wall), scale.y(value)))
        before = wall
    return [_corners(piece) for piece in pieces]


def _corners(piece: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The places at which the line turns, and its ends."""
    kept = piece[:1]
    for place, after in pairwise(piece[1:]):
        (x0, y0), (x1, y1), (x2, y2) = kept[-1], place, after
        if (y1 - y0) * (x2 - x1) != (y2 - y1) * (x1 - x0):
            kept.append(place)
    return kept + piece[1:][-1:]


def rounded_top(highest: float, least: float) -> float:
    """The value at the top of an axis: 1, 2, 2.5 or 5 times a power of ten, not below ``least``."""
    wanted = max(highest, least)
    power = 1.0
    while power * 10 < wanted:
        power *= 10
    return next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= wanted)


def time_marks(since: float, until: float, local_offset: float) -> list[float]:
    """Round local times for the axis, six to twelve of them."""
    for step in (60, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 604800):
        if (until - since) / step <= 9:
            break
    first = since + local_offset
    begin = first - first % step + step - local_offset
    return [begin + number * step for number in range(int((until - begin) // step) + 1)] if begin <= until else []
