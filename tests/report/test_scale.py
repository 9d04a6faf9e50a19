"""Places of a chart."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.report.scale import MOST_PLACES, WIDTH, Scale, rounded_top, thinned, time_marks

DAY = Scale(0.0, 86_400.0, 100.0, 100)


@given(values=st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), max_size=50))
def test_every_place_is_in_the_drawing(values: list[tuple[float, float]]) -> None:
    for piece in thinned(values, DAY):
        assert all(0 <= x <= WIDTH and DAY.above <= y <= DAY.height for x, y in piece)


def test_of_many_values_the_peaks_are_kept() -> None:
    values = [(second * 10.0, 99.0 if second == 4321 else 5.0) for second in range(8640)]
    (piece,) = thinned(values, DAY)
    assert min(y for _, y in piece) == DAY.y(99.0)
    assert len(piece) < MOST_PLACES


def test_a_line_is_interrupted_where_nothing_is_known_and_straight_parts_need_no_places() -> None:
    values = [(second * 10.0, 50.0) for second in range(8640) if not 2000 < second < 5000]
    assert [len(piece) for piece in thinned(values, DAY)] == [2, 2]


def test_the_top_of_an_axis_is_a_round_value_above_all() -> None:
    assert [rounded_top(value, 10) for value in (0, 10, 11, 21, 402, 999, 1001)] == [10, 10, 20, 25, 500, 1000, 2000]


def test_marks_are_at_round_local_times() -> None:
    assert time_marks(0, 86_400, 0) == [10800.0 * step for step in range(1, 9)]
    assert time_marks(0, 86_400, 1800)[0] == 10800 - 1800
    assert 3 <= len(time_marks(0, 900, 0)) <= 15
    assert time_marks(5, 5, 0) == []
