"""Numbers as people read them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom import formatting


@pytest.mark.parametrize(("amount", "text"), [
    (0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (1536, "1.5 KiB"), (412 << 20, "412 MiB"),
    (3 << 29, "1.5 GiB"), (15 << 30, "15 GiB"), (2 << 40, "2 TiB")])
def test_sizes(amount: int, text: str) -> None:
    assert formatting.size(amount) == text


@pytest.mark.parametrize(("seconds", "text"), [
    (0, "0s"), (0.4, "0.4s"), (1.0, "1s"), (42, "42s"), (60, "1min"), (90, "1min30s"), (5400, "1h30min"), (7200, "2h"),
    (5401, "1h30min"), (86400, "1d"), (90061, "1d1h"), (10.6, "11s")])
def test_durations(seconds: float, text: str) -> None:
    assert formatting.duration(seconds) == text


@pytest.mark.parametrize(("value", "text"), [(0.0, "0%"), (7.25, "7.2%"), (8.0, "8%"), (12.5, "12%"), (99.6, "100%")])
def test_percentages(value: float, text: str) -> None:
    assert formatting.percent(value) == text


@given(seconds=st.floats(0, 1e10))
def test_a_duration_never_has_more_than_two_units(seconds: float) -> None:
    text = formatting.duration(seconds)
    assert re.fullmatch(r"[0-9.]+(d|h|min|s)([0-9]+(h|min|s))?", text)


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan"), -3.5, 1e300])
def test_a_number_that_nobody_measured_is_written_all_the_same(value: float) -> None:
    for write in (formatting.size, formatting.percent, formatting.duration):
        assert write(value)
