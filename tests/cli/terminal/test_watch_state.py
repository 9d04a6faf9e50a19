"""The keys of ``status --watch``: what is typed, and what it does to the view."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.cli.terminal.watch_state import ORDERS, WatchState, help_line, keys_of, pressed

ANY_KEY = st.sampled_from(["up", "down", "page up", "page down", "home", "end", "pause", "sort", "nothing"])


def press(state: WatchState, *keys: str, last_top: int = 30) -> WatchState:
    for key in keys:
        state = pressed(state, key, "12:00:00", 10, last_top)
    return state


@pytest.mark.parametrize(("typed", "keys"), [
    (b"q", ["quit"]), (b" s", ["pause", "sort"]), (b"\x1b[A\x1bOB", ["up", "down"]), (b"\x1b[5~j\x1b[6~",
     ["page up", "down", "page down"]), (b"\x1b[15~q", ["quit"]), (b"\x1b[1;5s", []), (b"xyz\xff\x00", []),
    (b"\x1b", []), (b"\x1b[", []), (b"\x04", ["quit"]),
])
def test_keys_are_told_from_what_the_terminal_sends(typed: bytes, keys: list[str]) -> None:
    assert keys_of(typed) == keys


@given(st.binary(max_size=40))
def test_no_bytes_break_the_reading_of_keys(typed: bytes) -> None:
    assert len(keys_of(typed)) <= len(typed)


def test_space_pauses_and_goes_on_and_q_quits() -> None:
    paused = press(WatchState(), "pause")
    assert paused.paused == "12:00:00"
    assert "PAUSED at 12:00:00" in help_line(paused, 80)
    assert not press(paused, "pause").paused
    assert press(paused, "quit").ended


def test_s_goes_through_the_orders_and_begins_again() -> None:
    seen = [WatchState()]
    for _ in ORDERS:
        seen.append(press(seen[-1], "sort"))
    assert [state.order for state in seen] == [*ORDERS, ORDERS[0]]
    assert "s sort: swap" in help_line(seen[1], 80)


def test_scrolling_goes_by_lines_and_pages_and_comes_back() -> None:
    assert press(WatchState(), "down", "down", "up").top == 1
    assert press(WatchState(), "page down").top == 10
    assert press(WatchState(), "end").top == 30
    assert press(WatchState(top=30), "home").top == 0


@given(st.lists(ANY_KEY, max_size=40), st.integers(0, 100))
def test_nobody_scrolls_out_of_the_page(keys: list[str], last_top: int) -> None:
    assert 0 <= press(WatchState(), *keys, last_top=last_top).top <= last_top


@given(st.lists(ANY_KEY, max_size=8), st.integers(1, 200))
def test_the_line_of_keys_fits_every_window(keys: list[str], width: int) -> None:
    assert len(help_line(press(WatchState(), *keys), width)) <= width


def test_even_a_narrow_window_tells_how_to_quit_and_that_the_view_is_paused() -> None:
    assert "q" in help_line(WatchState(), 20)
    assert "PAUSED" in help_line(WatchState(paused="12:00:00"), 20)
