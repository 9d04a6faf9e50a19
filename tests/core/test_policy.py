"""What a policy says, as values: hours of the day, the words of steps, where a unit is bounded."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.core.nouns import Size
from watchdog_oom.core.policy import Hours, Limit, RecoveryStep, Verb

MINUTES = st.integers(0, 24 * 60 - 1)


def test_hours_may_pass_midnight_and_do_not_contain_their_end() -> None:
    night = Hours(22 * 60, 6 * 60)
    assert [night.contain(minute) for minute in (22 * 60 - 1, 22 * 60, 0, 6 * 60 - 1, 6 * 60)] == [
        False, True, True, True, False]
    assert str(night) == "22:00-06:00"


@given(MINUTES, MINUTES, MINUTES)
def test_a_minute_lies_in_a_window_or_in_the_one_that_is_left_of_the_day(start: int, end: int, minute: int) -> None:
    window, rest = Hours(start, end), Hours(end, start)
    if start == end:
        assert window.contain(minute)
    else:
        assert window.contain(minute) is not rest.contain(minute)


def test_steps_print_as_a_policy_says_them() -> None:
    assert [str(step) for step in (
        RecoveryStep(Verb.STOP, ("a", "b")), RecoveryStep(Verb.START, stopped=True),
        RecoveryStep(Verb.RUN, argv=("/bin/x", "-y")), RecoveryStep(Verb.WAIT, within_seconds=90.0))] == [
        "stop a, b", "start what was stopped", "run /bin/x -y", "wait 90s"]


def test_a_unit_is_contained_at_the_bound_that_is_given_or_at_the_limit_that_was_exceeded() -> None:
    given_bound, group, one = (Size(amount_bytes=number) for number in (1, 2, 3))
    assert Limit("l", "p", rss=one, total_rss=group, memory_high=given_bound).contained_at == given_bound
    assert Limit("l", "p", rss=one, total_rss=group).contained_at == group
    assert Limit("l", "p", rss=one).contained_at == one
    assert Limit("l", "p", count=1).contained_at is None
