"""Lists of nodes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.kernel_log.node_range import numbers_in


@pytest.mark.parametrize(("text", "numbers"), [
    ("0", {0}), ("0-2", {0, 1, 2}), ("0-1,4", {0, 1, 4}), ("(null)", None), ("", None), (None, None),
    ("1-", None), ("x", None), ("00000003", {3}), ("0-99999999999", None)])
def test_lists_are_read_and_the_rest_is_not_known(text: str | None, numbers: set[int] | None) -> None:
    assert numbers_in(text) == (None if numbers is None else frozenset(numbers))


@given(st.text("0123456789-, ", max_size=40))
def test_no_list_breaks_it_or_grows_without_bound(text: str) -> None:
    assert len(numbers_in(text) or ()) <= 4096
