"""Texts of the policy language to values and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policy.canonical import format_address, format_hours
from watchdog_oom import formatting
from watchdog_oom.policy import units

PERCENTS = st.integers(0, 100_000).map(lambda thousandths: thousandths / 1000)


@given(st.integers(0, 1 << 59))
def test_a_number_of_bytes_survives_being_written_and_read(amount_bytes: int) -> None:
    assert units.parse_size(units.format_size(("bytes", amount_bytes))) == ("bytes", amount_bytes)


@given(PERCENTS)
def test_a_percentage_survives_being_written_and_read(percent: float) -> None:
    assert units.parse_percent(units.format_percent(percent)) == percent
    assert units.parse_size(units.format_size(("percent", percent))) == ("percent", percent)


@given(st.integers(0, 3650 * 86_400_000))
def test_a_duration_survives_being_written_and_read(milliseconds: int) -> None:
    seconds = milliseconds / 1000
    assert units.parse_duration(units.format_duration(seconds)) == seconds


@given(st.integers(0, 10 * 86400))
def test_durations_as_reports_print_them_are_durations_of_the_language(seconds: int) -> None:
    assert 0 <= seconds - units.parse_duration(formatting.duration(seconds)) < 3600


@given(st.integers(0, 1439), st.integers(1, 1440))
def test_hours_survive_being_written_and_read(start: int, end: int) -> None:
    if start != end:
        assert units.parse_hours(format_hours((start, end))) == (start, end)


@given(st.sampled_from(["127.0.0.1", "::1", "fe80::1", "localhost", "mail-1.example.org", "a"]), st.integers(1, 65535))
def test_an_address_survives_being_written_and_read(host: str, port: int) -> None:
    assert units.parse_address(format_address((host, port))) == (host, port)


@given(st.text(max_size=20))
def test_no_text_raises_anything_but_words_for_people(text: str) -> None:
    for parse in (units.parse_size, units.parse_percent, units.parse_duration, units.parse_hours, units.parse_address):
        try:
            parse(text)
        except ValueError as error:
            assert len(str(error)) > 10


@pytest.mark.parametrize(("text", "value"), [
    ("400MiB", ("bytes", 400 << 20)), ("2GiB", ("bytes", 2 << 30)), ("1.5 GiB", ("bytes", 3 << 29)),
    ("500MB", ("bytes", 500_000_000)), ("12kB", ("bytes", 12_000)), ("1TiB", ("bytes", 1 << 40)), ("7B", ("bytes", 7)),
    ("10%", ("percent", 10.0)), ("0.5%", ("percent", 0.5)), ("100%", ("percent", 100.0))])
def test_sizes_are_read(text: str, value: tuple[str, float]) -> None:
    assert units.parse_size(text) == value


@pytest.mark.parametrize(("text", "words_"), [
    ("400M", '"400MiB"'), ("400M", '"400MB"'), ("4k", '"4KiB" (powers of 1024) or "4kB"'), ("2G", '"2GiB"'),
    ("400", '"400MiB"'), ("400mib", 'did you mean "400MiB"'), ("400KB", 'did you mean "400kB"'),
    ("-1MiB", "not a size"),
    ("4 apples", "units are"), ("101%", "between"), ("1.2345%", "percentage"), ("", "not a size"),
    ("9999999TiB", "more"), ("٣MiB", "not a size")])
def test_wrong_sizes_say_how_to_write_them(text: str, words_: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        units.parse_size(text)
    assert words_ in str(refused.value)


@pytest.mark.parametrize(("text", "seconds"), [
    ("90s", 90), ("20min", 1200), ("20m", 1200), ("1h30m", 5400), ("2d", 172800), ("500ms", 0.5), ("1h 30min", 5400),
    ("1.5h", 5400), ("0.5s", 0.5), ("0s", 0), ("1d2h3min4s5ms", 93784.005)])
def test_durations_are_read(text: str, seconds: float) -> None:
    assert units.parse_duration(text) == seconds


@pytest.mark.parametrize(("text", "words_"), [
    ("90", '"90s", "90min" or "90h"'), ("", "not a duration"), ("90 seconds", "not a unit of time"),
    ("5s5s", "each once"), ("5s1h", "largest"), ("0.0001s", "not a duration"), ("0.1ms", "finer"),
    ("4000d", "ten years"), ("-5s", "not a dur"), ("1m1min", "each once"), ("1h30", "not a duration")])
def test_wrong_durations_say_how_to_write_them(text: str, words_: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        units.parse_duration(text)
    assert words_ in str(refused.value)


@pytest.mark.parametrize(("text", "hours"), [
    ("22:00-06:00", (1320, 360)), ("00:00-24:00", (0, 1440)), ("8:30 - 17:45", (510, 1065)),
    ("22:00-24:00", (1320, 1440))])
def test_hours_are_read(text: str, hours: tuple[int, int]) -> None:
    assert units.parse_hours(text) == hours


@pytest.mark.parametrize("text", ["25:00-26:00", "24:00-06:00", "10:60-11:00", "24:30-01:00", "06:00-06:00", "always"])
def test_wrong_hours_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\d\d:\d\d"):
        units.parse_hours(text)


@pytest.mark.parametrize("text", ["localhost", "localhost:", ":25", "localhost:0", "h:65536", "::1:25", "[::1]",
                                  "[1.2]:5", "a b:25", "-h:25", "h:25\n", "[::g]:1"])
def test_wrong_addresses_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        units.parse_address(text)
