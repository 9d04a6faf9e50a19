"""The times of all logs, in seconds that can be compared."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.kernel_log.stamps import boot_stamp, calendar_stamp, microseconds_stamp, unix_stamp

NOON = 1747656000.0  # 2025-05-19 12:00:00 UTC, a Monday


@pytest.mark.parametrize(("text", "seconds"), [
    ("2025-05-19T12:00:00Z", NOON), ("2025-05-19T14:00:00+02:00", NOON), ("2025-05-19T07:00:00-0500", NOON),
    ("2025-05-19 12:00:00.250", NOON + 0.25), ("2025-05-19T12:00:00,250+00:00", NOON + 0.25),
    ("Mon May 19 12:00:00 2025", NOON), ("Mo Mai 19 12:00:00 2025", NOON), ("lun. mai 19 12:00:00 2025", NOON),
    ("mar juin 24 12:00:00 2025", NOON + 36 * 86400), ("пн мая 19 12:00:00 2025", NOON),
    ("月  5月 19 12:00:00 2025", NOON), ("lun 19 mag 12:00:00 2025", NOON), ("2025 May 19 12:00:00", NOON),
    ("2024-02-29T00:00:00Z", 1709164800.0), ("1999-12-31T23:59:59Z", 946684799.0),
])
def test_a_date_with_its_year_is_unix_time(text: str, seconds: float) -> None:
    stamp = calendar_stamp(text)
    assert (stamp.text, stamp.clock) == (text, "unix")
    assert stamp.seconds == pytest.approx(seconds)


def test_a_date_without_a_year_counts_from_the_first_of_january() -> None:
    assert calendar_stamp("Jan  1 00:00:10").seconds == 10
    assert calendar_stamp("Mar  1 00:00:00").seconds == 60 * 86400
    assert calendar_stamp("Nov  2 14:11:02").clock == "yearless"


def test_a_month_of_an_unknown_language_has_no_seconds() -> None:
    assert calendar_stamp("Xyz 19 12:00:00").seconds is None


def test_other_clocks() -> None:
    assert boot_stamp("139.201253").seconds == 139.201253
    assert microseconds_stamp("139201253").seconds == pytest.approx(139.201253)
    assert unix_stamp("1747656000000000").seconds == NOON
    assert unix_stamp("1747656000.0").seconds == NOON
    assert unix_stamp("soon").seconds is None


@given(st.binary(max_size=40).map(lambda raw: raw.decode("latin-1")))
def test_no_text_is_an_error(text: str) -> None:
    for stamp in (boot_stamp, microseconds_stamp, unix_stamp, calendar_stamp):
        assert stamp(text).text == text
