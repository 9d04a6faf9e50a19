"""Patterns that took too long: counted for the status, told once an hour."""

from __future__ import annotations

import re

from watchdog_oom.core.nouns import ProcessNoun
from watchdog_oom.host.processes.slow_patterns import SlowPatterns

PATTERN = re.compile("(a+)+$")
NOUN = ProcessNoun("w", cmdline=(PATTERN,), place="/etc/w.toml:3")


def test_each_is_counted_with_its_place_and_told_once_an_hour_with_what_came_since() -> None:
    slow = SlowPatterns()
    assert slow.counts([NOUN]) == {}
    assert slow.news([NOUN], 100.0) == []
    slow.count(PATTERN)
    assert slow.counts([NOUN]) == {"/etc/w.toml:3: [process.w] cmdline took too long in a command line": 1}
    (rule, words), = slow.news([NOUN], 100.0)
    assert rule == "process.w"
    told = "/etc/w.toml:3: [process.w] cmdline took too long in a command line"
    assert words == f"{told}, which counts as not matching: (a+)+$"
    slow.count(PATTERN)
    slow.count(PATTERN)
    assert slow.news([NOUN], 3699.0) == []
    (_, words), = slow.news([NOUN], 3700.0)
    assert "(2 times)" in words
    assert slow.news([NOUN], 9999.0) == []


def test_what_left_the_policy_is_forgotten() -> None:
    slow = SlowPatterns()
    slow.count(PATTERN)
    assert slow.counts([ProcessNoun("other", cmdline=(re.compile("x"),))]) == {}
    assert slow.counts([NOUN]) == {}
