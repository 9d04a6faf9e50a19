from __future__ import annotations

from watchdog_oom.core.requests import PauseRule, Rearm, Reload, ResumeRule, RunNow


def test_a_request_prints_what_was_asked_for_and_nothing_that_steers_a_terminal() -> None:
    pauses = (PauseRule("limit.a\x1b", 5400.0), PauseRule(None, 60.0), ResumeRule(None))
    assert list(map(str, pauses)) == ["pause limit.a\\x1b for 1h30min", "pause all for 1min", "resume all"]
    assert list(map(str, (Rearm("x"), RunNow("x"), Reload()))) == ["rearm x", "run x", "reload"]
