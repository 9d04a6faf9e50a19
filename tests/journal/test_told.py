"""What a record says of itself, whatever stands in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.journal.told import time_of, truth_of


def test_a_time_is_that_of_its_zone() -> None:
    assert time_of({"time": "1970-01-01T01:00:10+01:00"}) == 10.0


@pytest.mark.parametrize("time", ["1970-01-01T00:00:10", "yesterday", "", None, 10])
def test_what_tells_no_moment_has_none(time: object) -> None:
    assert time_of({"time": time}) is None


@given(st.dictionaries(st.sampled_from(["time", "ok"]), st.none() | st.booleans() | st.integers() | st.text()))
def test_whatever_stands_in_a_record_is_read_without_an_error(record: dict[str, object]) -> None:
    time_of(record)
    assert truth_of(record) is record.get("ok") if isinstance(record.get("ok"), bool) else truth_of(record) is None
