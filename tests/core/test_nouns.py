"""Sizes: absolute, or a share of a total that is known only at run time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.core.nouns import Size


def test_a_percentage_is_of_the_total_and_an_amount_of_nothing() -> None:
    assert Size(percent=25.0).of(400) == 100
    assert Size(amount_bytes=7).of(400) == 7
    assert Size(amount_bytes=0).of(400) == 0


@given(st.floats(0, 100), st.floats(0, 1000), st.integers(0, 1 << 50))
def test_a_scaled_percentage_is_never_more_than_all(percent: float, factor: float, total_bytes: int) -> None:
    assert Size(percent=percent).scaled(factor).of(total_bytes) <= total_bytes


def test_a_scaled_amount_is_whole_bytes() -> None:
    assert Size(amount_bytes=3).scaled(0.5) == Size(amount_bytes=1)
