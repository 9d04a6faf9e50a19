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
])
def test_a_moment_can_be_written_as_people_do(text: str, moment: float) -> None:
    assert parse_since(text, wall=NOON, boottime=100.0) == moment


def test_boot_is_when_this_host_was_booted_as_its_clocks_tell_it_too() -> None:
    assert abs(parse_since("boot") - (time.time() - time.clock_gettime(time.CLOCK_BOOTTIME))) < 2


@pytest.mark.parametrize("text", ["", "soon", "2", "yesterday night", "2026-13-01", "-2h", "9999999-01-01", "ago"])
def test_anything_else_is_refused_with_examples(text: str) -> None:
    with pytest.raises(UsageError, match="write it like 2h"):
        parse_since(text, wall=NOON)
