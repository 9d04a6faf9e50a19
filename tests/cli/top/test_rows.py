"""Which processes of a sample are shown, in which order."""

from __future__ import annotations

import pytest

from tests.core.build import MIB, proc, snapshot
from watchdog_oom.cli.top.moments import MomentView
from watchdog_oom.cli.top.rows import Choice, rows_of
from watchdog_oom.core.model import Process
from watchdog_oom.recorder.sample import Sample, SampleKind

CROWD = (proc(1, "old", rss=10, age=9000.0, user="root", uid=0, unit="init.scope"),
         proc(2, "big", rss=500, age=50.0, user="paula", uid=1000, unit="app.service", swap_bytes=1),
         proc(3, "swapped", rss=20, age=70.0, uid=1001, unit="user@1001.service", user_unit="work.service",
              swap_bytes=90 * MIB),
         proc(4, "grown", rss=200, age=80.0), proc(5, "kworker/0:1", rss=0, kernel_thread=True))
BEFORE = (proc(1, "old", rss=12, age=9000.0), proc(2, "big", rss=490, age=50.0), proc(4, "grown", rss=1, age=80.0),
          proc(3, "another with that pid", rss=1, start=7))


def view(*earlier: Process) -> MomentView:
    base = Sample(snapshot(*earlier), SampleKind.CALM) if earlier else None
    return MomentView(Sample(snapshot(*CROWD), SampleKind.CALM), base)


@pytest.mark.parametrize(("sort", "order"), [
    ("rss", [2, 4, 3, 1]), ("swap", [3, 2, 4, 1]), ("age", [1, 4, 3, 2]), ("growth", [4, 3, 2, 1])])
def test_each_order_has_its_first(sort: str, order: list[int]) -> None:
    assert [row.process.pid for row in rows_of(view(*BEFORE), Choice(sort)).shown] == order


def test_growth_is_that_of_the_same_process_and_not_of_its_pid() -> None:
    grown = {row.process.pid: row.growth_bytes for row in rows_of(view(*BEFORE), Choice()).shown}
    assert grown == {1: -2 * MIB, 2: 10 * MIB, 3: None, 4: 199 * MIB}
    assert {row.growth_bytes for row in rows_of(view(), Choice()).shown} == {None}


@pytest.mark.parametrize(("user", "unit", "pids", "unknown"), [
    ("root", None, [1], 1), ("1000", None, [2], 1), ("1001", None, [3], 1), ("nobody", None, [], 1),
    (None, "app", [2], 1), (None, "app.service", [2], 1), (None, "work", [3], 1), (None, "user@*", [3], 1),
    ("paula", "app", [2], 1), ("root", "app", [], 1), (None, None, [2, 4, 3, 1], 0)])
def test_a_choice_by_user_and_unit_counts_whom_it_cannot_judge(user: str | None, unit: str | None, pids: list[int],
                                                               unknown: int) -> None:
    rows = rows_of(view(), Choice(user=user, unit=unit))
    assert ([row.process.pid for row in rows.shown], rows.unknown) == (pids, unknown)


def test_no_more_than_asked_for_are_shown_and_all_are_counted() -> None:
    rows = rows_of(view(), Choice(most=2))
    assert (len(rows.shown), rows.chosen) == (2, 4)
