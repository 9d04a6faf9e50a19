"""Bars: as long as they are said to be, full only where the threshold is reached."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.cli.status.bars import bar, bar_width, kind_of


@pytest.mark.parametrize(("share", "mark", "drawn"), [
    (0.0, None, "[..........]"), (0.5, None, "[=====.....]"), (0.999, None, "[=========.]"),
    (1.0, None, "[==========]"),
    (3.0, None, "[==========]"), (0.5, 0.92, "[=====....|]"), (0.95, 0.7, "[=======|=.]"), (0.2, 1.0, "[==.......|]"),
])
def test_a_bar_fills_with_the_share_and_has_a_stroke_at_the_threshold(share: float, mark: float | None,
                                                                      drawn: str) -> None:
    assert bar(share, 10, mark) == drawn


@given(st.floats(-1, 5), st.integers(1, 80), st.none() | st.floats(-1, 5))
def test_every_bar_is_as_long_as_asked_for_and_plain_ascii(share: float, width: int, mark: float | None) -> None:
    drawn = bar(share, width, mark)
    assert len(drawn) == width + 2
    assert drawn.isascii()


def test_a_wider_window_has_longer_bars_and_only_what_is_reached_is_red() -> None:
    assert bar_width(40) < bar_width(80) < bar_width(200)
    assert [kind_of(share) for share in (None, 0.5, 0.9, 1.0)] == ["dim", "", "yellow", "bold red"]
