"""The charts of the page: drawings with presentation attributes alone, so that no style of them has to be allowed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from watchdog_oom import formatting
from watchdog_oom.report.model import HostPoint, Night, NightSpan
from watchdog_oom.report.scale import WIDTH, Scale, rounded_top, thinned, time_marks
from watchdog_oom.report.words import clock

MOST_ROWS = 48
MOST_LINES = 4  # lines of a chart: more cannot be told apart
_HEIGHT = 126
_BELOW = 18
_TIME_ROOM = 34  # of half a time below the axis, on the narrowest window
_AROUND_SECONDS = 900.0
_MOST_WORDED = 60  # marks whose acts are named
_LONGEST_MARK = 100


@dataclass(frozen=True, slots=True)
class ChartLine:
    """One line: its name, its number among the colours, and places in pieces, as SVG's ``points``. The value at the
    top of the axis and its unit say what a height means."""

    name: str
    colour: int
    pieces: tuple[str, ...]
    areas: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChartMark:
    x: int
    words: str


@dataclass(frozen=True, slots=True)
class ChartShade:
    x: int
    width: int
    words: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything a template needs to draw it, and the table that says the same."""

    id: str
    title: str
    unit: str
    top: float
    height: int
    base: int
    above: int
    lines: tuple[ChartLine, ...]
    grid: tuple[tuple[int, str], ...]
    times: tuple[tuple[int, str], ...]
    shades: tuple[ChartShade, ...]
    acts: tuple[ChartMark, ...]
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    since: float
    until: float
    zone_seconds: int


_Read = Callable[[HostPoint], float | None]


def charts_of(night: Night) -> tuple[Chart, ...]:
    """Memory and swap, pressure, spools: those of which anything is known."""
    spools = sorted({name for point in night.history.points for name in point.spools},
                    key=lambda name: -max(point.spools[name].entries for point in night.history.points
                                          if name in point.spools))[:MOST_LINES]
    readings: list[tuple[str, str, str, float, list[tuple[str, _Read]]]] = [
        ("memory", "Memory and swap in use", "%", 100.0,
         [("memory in use", _memory_used), ("swap in use", lambda point: point.swap_used_percent)]),
        ("pressure", "Time lost waiting for memory", "%", 10.0,
         [("somebody waited", lambda point: point.some_percent),
          ("everybody waited", lambda point: point.full_percent)]),
        ("spools", "Entries of spools", "", 10.0,
         [(night.paths.get(name, name), lambda point, name=name: float(point.spools[name].entries)  # type: ignore[misc]
           if name in point.spools else None) for name in spools]),
        ("holders", "Memory held by name, in MiB", "", 10.0,
         [(holder.name, _held_by(holder.name)) for holder in night.holders[:MOST_LINES] if not night.quiet])]
    charts = []
    for id_, title, unit, least, lines in readings:
        known = [(name, read) for name, read in lines if any(read(point) is not None for point in night.history.points)]
        closer = _closer(night) if id_ == "memory" else None
        if known:
            charts.append(_chart(night, night.span, id_, title, unit, least, known))
        if known and closer is not None:
            title = f"{title}, {clock(closer.since)} to {clock(closer.until)}"
            charts.append(_chart(night, closer, "closer", title, unit, least, known))
    return tuple(charts)


def _held_by(name: str) -> _Read:
    """What all processes of a name held, in MiB: nothing where it is not among those that held most."""
    def read(point: HostPoint) -> float | None:
        if not point.by_name:
            return None
        return point.by_name[name].held_bytes / (1 << 20) if name in point.by_name else 0.0
    return read


def _closer(night: Night) -> NightSpan | None:
    """The time around the worst of it, if that is a small part of the whole."""
    if night.fall is None or not night.fall.is_real or not night.incidents:
        return None
    before, worst = night.fall.before.at, night.fall.worst.at
    near = [incident for incident in night.incidents
            if incident.opened <= worst + _AROUND_SECONDS and incident.end >= before - _AROUND_SECONDS]
    first = min([before, *(incident.opened for incident in near)])
    last = max([worst, *(incident.end for incident in near)])
    closer = NightSpan(max(night.span.since, first - _AROUND_SECONDS), min(night.span.until, last + _AROUND_SECONDS))
    return closer if (closer.until - closer.since) * 3 <= night.span.until - night.span.since else None


def _memory_used(point: HostPoint) -> float | None:
    return None if point.available_percent is None else 100.0 - point.available_percent


def _chart(night: Night, span: NightSpan, id_: str, title: str, unit: str, least: float,
           lines: Sequence[tuple[str, _Read]]) -> Chart:
    points = [point for point in night.history.points if span.holds(point.at)]
    values = [[(point.at, value) for point in points if (value := read(point)) is not None] for _, read in lines]
    top = rounded_top(max((value for line in values for _, value in line), default=0.0), least)
    if unit == "%":
        top = min(top, 100.0)
    scale = Scale(span.since, span.until, top, _HEIGHT)
    drawn = []
    for number, ((name, _), line) in enumerate(zip(lines, values, strict=True)):
        pieces = thinned(line, scale)
        areas = [_area(piece, scale) for piece in pieces] if number == 0 and len(lines) <= 2 else []
        drawn.append(ChartLine(name, number, tuple(map(_joined, pieces)), tuple(areas)))
    return Chart(id_, title, unit, top, _HEIGHT + _BELOW, _HEIGHT, scale.above, tuple(drawn), _grid(scale, unit),
                 _times(scale), _shades(night, scale), _acts(night, scale),
                 ("Time", *(f"{name}, at most" for name, _ in lines)), _rows(points, lines, unit),
                 span.since, span.until, _zone(span.since))


def _joined(piece: Sequence[tuple[int, int]]) -> str:
    """Places as text; a lone one is made a short line, so that it is seen."""
    places = [*piece, (piece[0][0] + 1, piece[0][1])] if len(piece) == 1 else piece
    return " ".join(f"{x},{y}" for x, y in places)


def _area(piece: Sequence[tuple[int, int]], scale: Scale) -> str:
    return f"{piece[0][0]},{scale.height} {_joined(piece)} {piece[-1][0]},{scale.height}"


def _grid(scale: Scale, unit: str) -> tuple[tuple[int, str], ...]:
    return tuple((scale.y(value), f"{value:g}{unit}") for value in (0, scale.top / 2, scale.top))


def _times(scale: Scale) -> tuple[tuple[int, str], ...]:
    return tuple((scale.x(mark), clock(mark)) for mark in time_marks(scale.since, scale.until, _zone(scale.since))
                 if _TIME_ROOM <= scale.x(mark) <= WIDTH - _TIME_ROOM)


def _zone(wall: float) -> int:
    """Seconds that local time is ahead of UTC then."""
    try:
        return time.localtime(wall).tm_gmtoff
    except (ValueError, OverflowError, OSError):
        return 0


def _shades(night: Night, scale: Scale) -> tuple[ChartShade, ...]:
    """Incidents, at least as wide as one can see."""
    return tuple(ChartShade(scale.x(incident.opened), max(3, scale.x(incident.end) - scale.x(incident.opened)),
                            f"{incident.rule}, {clock(incident.opened)} to {clock(incident.end)}")
                 for incident in night.incidents[:60] if scale.shows(incident.opened, incident.end))


def _acts(night: Night, scale: Scale) -> tuple[ChartMark, ...]:
    """One mark for all acts on one place."""
    places: dict[int, list[str]] = {}
    for act in (act for incident in night.incidents for act in incident.acts if scale.shows(act.at, act.at)):
        places.setdefault(scale.x(act.at), []).append(f"{clock(act.at)} {act.step}")
    for kill in (kill for kill in night.history.kernel_kills if scale.shows(kill.at, kill.at)):
        places.setdefault(scale.x(kill.at), []).append(f"{clock(kill.at)} the kernel killed {kill.name}[{kill.pid}]")
    return tuple(ChartMark(x, _marked(words) if number < _MOST_WORDED else "")
                 for number, (x, words) in enumerate(sorted(places.items())))


def _marked(words: Sequence[str]) -> str:
    more = f" and {len(words) - 3} more" if len(words) > 3 else ""
    return "; ".join(each[:_LONGEST_MARK] for each in words[:3]) + more


def _rows(points: Sequence[HostPoint], lines: Sequence[tuple[str, _Read]], unit: str) -> tuple[tuple[str, ...], ...]:
    """The table behind the chart: the highest of each line in spans of equal length."""
    if not points:
        return ()
    size = max(1, -(-len(points) // MOST_ROWS))
    rows = []
    for begin in range(0, len(points), size):
        part = points[begin:begin + size]
        cells = []
        for _, read in lines:
            found = [value for point in part if (value := read(point)) is not None]
            cells.append((formatting.percent(round(max(found), 1)) if unit == "%" else f"{max(found):,.0f}")
                         if found else "not known")
        rows.append((clock(part[0].at), *cells))
    return tuple(rows)
