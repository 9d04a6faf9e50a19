from __future__ import annotations

import pytest

from tests.core.build import proc
from watchdog_oom.core.outcome import Outcome
from watchdog_oom.core.scores import MOST_WRITTEN, Attempt, Scores, Written, home

WRITTEN = Written(7.0, "cron[5]", "protect.cron", 0)


def test_an_attempt_knows_whether_it_may_have_changed_anything() -> None:
    begun = Attempt().begun("i-1", "protect.cron", 5.0)
    assert Attempt().due(0.0) and not begun.due(64.0) and begun.due(65.0)
    failed = begun.heard(Outcome(False, "not permitted", 0))
    assert (failed.failures, failed.words, failed.touched) == (1, "not permitted", False)
    assert failed.heard(Outcome(False, "-500 was written, but the value is 5", 0, 5)).touched
    done = failed.heard(Outcome(True, "set", 0, -500))
    assert (done.failures, done.words, done.touched) == (0, "", True)


def test_of_several_writes_of_a_value_in_a_unit_the_earliest_counts_and_their_number_is_bounded() -> None:
    scores = Scores().noting(-500, "", WRITTEN).noting(-500, "", Written(9.0, "cron[6]", "protect.cron", 0))
    assert scores.written == {(-500, ""): WRITTEN}
    assert Scores().noting(100, "", WRITTEN).written == {}
    for number in range(2 * MOST_WRITTEN):
        scores = scores.noting(-500, f"x@{number}.service", Written(10.0 + number, "x[1]", "protect.x", 0))
    assert len(scores.written) == MOST_WRITTEN and (-500, f"x@{2 * MOST_WRITTEN - 1}.service") in scores.written


@pytest.mark.parametrize(("unit", "expected"), [(None, ""), ("session-1.scope", ""), ("cron.service", "cron.service")])
def test_a_scope_gives_nobody_a_value(unit: str | None, expected: str) -> None:
    assert home(proc(5, unit=unit)) == expected
