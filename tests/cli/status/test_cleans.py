"""How near a routine cleaning is: by the clock alone, and never shown as an alarm."""

from __future__ import annotations

import pytest

from watchdog_oom.cli.status.cleans import nearness
from watchdog_oom.cli.status.page import page_of
from watchdog_oom.cli.status.rules_near import NearRules
from watchdog_oom.cli.status.seen import Seen

NOW = 1_000_000.0


@pytest.mark.parametrize(("clean", "share", "words"), [
    ({"state": "waiting", "every_seconds": 3600, "due": NOW + 900}, 0.75, "is due in 15min"),
    ({"state": "waiting", "every_seconds": 3600, "due": NOW + 1}, 0.99, "is due in 1s"),
    ({"state": "waiting", "every_seconds": 60, "due": NOW + 600}, 0.0, "is due in 10min"),
    ({"state": "waiting", "every_seconds": 3600, "due": NOW - 5}, 1.0, "is due"),
    ({"state": "waiting", "every_seconds": 3600, "due": NOW - 5, "why_waiting": "it is outside its hours"}, 1.0,
     "is due, but it is outside its hours"),
    ({"state": "running", "every_seconds": 3600, "due": NOW + 5}, 1.0, "is running"),
    ({"due": NOW + 5}, None, "is due in 5s"),
])
def test_the_time_until_it_is_due_is_its_distance(clean: dict[str, object], share: float | None, words: str) -> None:
    (found,) = nearness({"old": clean}, NOW)
    assert (found.rule, found.share, found.words) == ("clean.old", share and pytest.approx(share), words)


def test_one_that_is_due_is_no_alarm_among_the_nearest() -> None:
    near = NearRules(None, nearness({"old": {"every_seconds": 60, "due": NOW - 1}}, NOW))
    lines = page_of({}, NOW, Seen(near=near)).lines()
    (line,) = [line for line in lines if any("clean.old" in text for text, _ in line)]
    assert "".join(text for text, _ in line).split() == ["100%", "clean.old", "is", "due"]
    assert {style for _, style in line} <= {"", "bold", "green"}


def test_what_is_no_cleaning_at_all_is_no_error() -> None:
    assert [one.share for one in nearness({"old": "nonsense"}, NOW)] == [1.0]
