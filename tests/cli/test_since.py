"""Moments as people write them."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from watchdog_oom.cli.since import parse_since
from watchdog_oom.errors import UsageError

NOON = 1_772_366_400.0  # 2026-03-01T12:00:00Z


@pytest.fixture(autouse=True)
def in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One hour ahead of UTC on that day."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(("text", "moment"), [
    ("2h", NOON - 7200), ("30min ago", NOON - 1800), (" 1h30m ", NOON - 5400), ("2d", NOON - 172800), ("now", NOON),
    ("today", NOON - 13 * 3600), ("Yesterday", NOON - 37 * 3600), ("boot", NOON - 100),
    ("2026-03-01T12:00:00Z", NOON), ("2026-03-01T12:00:00.000+00:00", NOON), ("2026-03-01 13:00", NOON),
    ("2026-03-01", NOON - 13 * 3600),
    ("-1h", NOON - 3600), ("today 03:12", NOON - 13 * 3600 + 11520), ("yesterday 03:12", NOON - 37 * 3600 + 11520),
    ("Today  23:00", NOON + 10 * 3600), ("12:45", NOON - 900), ("8:05:09", NOON - 13 * 3600 + 29109),
    ("13:00", NOON), ("2026-02-28 23:59:59", NOON - 13 * 3600 - 1),
])
def test_a_moment_can_be_written_as_people_do(text: str, moment: float) -> None:
    assert parse_since(text, wall=NOON, boottime=100.0) == moment


def test_a_time_of_day_is_the_last_one_that_has_been() -> None:
    assert parse_since("23:00", wall=NOON) == NOON - 14 * 3600
    assert parse_since("13:00:01", wall=NOON) == NOON - 24 * 3600 + 1


def test_a_time_of_day_is_what_the_clock_on_the_wall_showed_also_before_a_change_to_summer_time() -> None:
    monday = 1_774_857_600.0  # 2026-03-30T10:00 in Berlin, where the clocks went forward the night before last
    assert parse_since("yesterday 01:30", wall=monday) == 1_774_744_200.0  # 2026-03-29T00:30Z
    assert parse_since("yesterday 12:00", wall=monday) == 1_774_778_400.0  # 2026-03-29T10:00Z


def test_boot_is_when_this_host_was_booted_as_its_clocks_tell_it_too() -> None:
    assert abs(parse_since("boot") - (time.time() - time.clock_gettime(time.CLOCK_BOOTTIME))) < 2


@pytest.mark.parametrize("text", ["", "soon", "2", "yesterday night", "2026-13-01", "9999999-01-01", "ago",
                                  "24:00", "12:60", "--1h", "today 1h", "yesterday 25:00", "12", "tomorrow 03:12"])
def test_anything_else_is_refused_with_examples(text: str) -> None:
    with pytest.raises(UsageError, match="write it like 2h"):
        parse_since(text, wall=NOON)
