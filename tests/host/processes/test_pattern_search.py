"""Searches are bounded in processor time, whatever the text, and one that was ended rests for that user alone."""

from __future__ import annotations

import re
import signal
import time

import pytest

from watchdog_oom.host.processes.pattern_search import PatternSearch

EXPLODES = re.compile(r"^python3? (\S+ ?)+--worker$")
TEXT = "python " + "a" * 60
PLAIN = re.compile("worker")


@pytest.mark.parametrize(("pattern", "text"), [
    (r"^python3? (\S+ ?)+--worker$", TEXT),
    (r"(a+)+$", "a" * 4000 + "b"),
    (r"(a|a)*$", "a" * 40 + "b"),
    (r"(.*a){20}$", "a" * 60 + "b" * 3000),
    (r"(x+x+)+y", "x" * 4000),
])
def test_no_pattern_and_no_text_searches_on_for_ever(pattern: str, text: str) -> None:
    ended: list[re.Pattern[str]] = []
    compiled = re.compile(pattern)
    began = time.process_time()
    assert PatternSearch(ended.append).found([compiled], text, lambda: 1000) == {compiled: False}
    assert time.process_time() - began < 1.0
    assert ended == [compiled]


def test_what_is_quickly_found_or_not_found_is_told_and_leaves_no_timer() -> None:
    ended: list[re.Pattern[str]] = []
    search = PatternSearch(ended.append)
    assert search.found([PLAIN, EXPLODES], "python x --worker", lambda: 1000) == {PLAIN: True, EXPLODES: True}
    assert search.found([PLAIN], "idle", lambda: 1000) == {PLAIN: False}
    assert ended == []
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGVTALRM) is signal.SIG_DFL


def test_one_that_took_too_long_rests_for_that_user_and_for_nobody_else() -> None:
    ended: list[re.Pattern[str]] = []
    search = PatternSearch(ended.append)
    search.found([EXPLODES], TEXT, lambda: 1000)
    assert search.found([EXPLODES, PLAIN], TEXT, lambda: 1000) == {PLAIN: False}
    assert search.found([EXPLODES], "python x --worker", lambda: 0) == {EXPLODES: True}
    assert ended == [EXPLODES]


def test_a_pattern_is_searched_for_again_once_it_has_rested() -> None:
    ended: list[re.Pattern[str]] = []
    search = PatternSearch(ended.append, rest_seconds=0.05)
    search.found([EXPLODES], TEXT, lambda: 1000)
    deadline = time.monotonic() + 5.0
    while not (answer := search.found([EXPLODES], "python x --worker", lambda: 1000)):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert answer == {EXPLODES: True}
