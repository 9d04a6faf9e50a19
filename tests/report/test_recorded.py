"""A recording as a history of bounded size."""

from __future__ import annotations

from collections.abc import Callable

from tests.core.build import proc
from tests.report.conftest import BEGINS
from watchdog_oom.core.memory import Memory, Pressure
from watchdog_oom.core.model import Clock, Process, Snapshot, SpoolState
from watchdog_oom.report.births import MOST_LINES
from watchdog_oom.report.model import NightSpan
from watchdog_oom.report.recorded import MOST_NAMES, MOST_POINTS, recorded

DAY = NightSpan(BEGINS, BEGINS + 86_400)


def at(wall: float, *processes: Process, available: int = 500, full: float = 0.0, entries: int = 0) -> Snapshot:
    return Snapshot(Clock(wall, wall - BEGINS + 1e6), memory=Memory(1 << 30, available << 20, 1, 0, 0),
                    pressure=Pressure(full, full), processes={process.pid: process for process in processes},
                    spools={"x": SpoolState(0.0, entries=entries)})


def test_a_point_is_the_sample_with_the_least_room_the_highest_pressure_and_the_fullest_spool() -> None:
    history = recorded([at(BEGINS, available=500, full=1, entries=7), at(BEGINS + 10, proc(5, "hog"), available=100),
                        at(BEGINS + 20, available=300, full=9, entries=3)], DAY)
    (point,) = history.points
    assert (point.at, point.available_bytes) == (BEGINS + 10, 100 << 20)
    assert (point.full_percent, point.spools["x"].entries, list(point.by_name)) == (9, 7, ["hog"])


def test_its_size_is_bounded_however_many_names_and_samples_there_are() -> None:
    crowd = [[proc(pid, f"n{pid}-{tick}", start=pid * 100 + tick) for pid in range(2, 120)] for tick in range(8)]
    history = recorded((at(BEGINS + step * 58, *crowd[step % 8]) for step in range(1490)), DAY)
    assert len(history.points) <= MOST_POINTS + 1
    assert all(len(point.by_name) <= MOST_NAMES for point in history.points)
    assert len(history.births) <= MOST_LINES
    assert len(history.facts) <= MOST_LINES
    assert history.samples == 1490


def test_what_was_there_at_the_first_sample_was_not_born_then() -> None:
    old, new = proc(5, "old", start=1), proc(6, "new", ppid=5, start=2)
    assert recorded([at(BEGINS, old), at(BEGINS + 10, old, new)], DAY).births.keys() == {("old", "new")}


def test_parents_in_a_circle_end(night: Callable[..., object]) -> None:
    history = recorded([at(BEGINS), at(BEGINS + 10, proc(5, "a", ppid=6), proc(6, "b", ppid=5))], DAY)
    assert set(history.births) == {("b", "a"), ("a", "b")}


def test_only_the_same_process_lasted() -> None:
    history = recorded([at(BEGINS, proc(5, "a", start=1), proc(6, "b", start=1)),
                        at(BEGINS + 10, proc(5, "a", start=1), proc(6, "b", start=2))], DAY)
    assert history.lasted == {("a", 5)}


def test_samples_of_another_time_and_without_memory_harm_nothing() -> None:
    blind = Snapshot(Clock(BEGINS + 30, 1e6), processes={})
    history = recorded([at(BEGINS - 5), blind, at(BEGINS + 86_500)], DAY)
    assert history.samples == 1
    assert history.points[0].room_bytes is None
