"""What is said of what is not there."""

from __future__ import annotations

import pytest

from watchdog_oom.cli.diagnose.looked_for import missing_kills, nothing_found


@pytest.mark.parametrize(("counted", "logged", "words"), [
    (None, 0, ""), (3, 3, ""), (3, 5, ""), (1, 0, "the log tells of 0: one is not in it"),
    (5, 3, "has counted 5 kills since boot (oom_kill in /proc/vmstat), the log tells of 3: 2 are not in it")])
def test_kills_that_the_kernel_counted_and_the_log_has_not(counted: int | None, logged: int, words: str) -> None:
    told = missing_kills(counted, logged)
    assert words in told
    assert bool(told) == bool(words)


def test_all_logs_that_hold_nothing_are_named() -> None:
    assert nothing_found(["a.log", "b.log"]).startswith("a.log, b.log: nothing found; looked for")
