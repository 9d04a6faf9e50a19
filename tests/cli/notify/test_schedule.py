"""When which target is told what."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.cli.notify.made import NOW, OPS, PAGER, incident, over, settings, told
from tests.cli.notify.test_cases import CASES
from watchdog_oom.cli.notify.book import NotifyBook, TargetHealth, delivered, failed
from watchdog_oom.cli.notify.cases import CaseKind, NotifyCase, ToldStage
from watchdog_oom.cli.notify.schedule import (
    LONGEST_WAIT_SECONDS,
    TOGETHER,
    ClockReading,
    digest_is_due,
    held_back,
    in_hours,
    known_to_all,
    may_come,
    next_delivery,
    wait_after,
    wanted,
)
from watchdog_oom.cli.notify.settings import NotifySettings

NOON = 720.0
NIGHT = (22 * 60, 7 * 60)


def book(*cases: NotifyCase, **health: TargetHealth) -> NotifyBook:
    return NotifyBook(cases={case.name: case for case in cases}, targets={"ops": TargetHealth(), **health})


def stages(of: NotifyBook, chosen: NotifySettings, now: float, minute: float = NOON) -> list[tuple[str, ToldStage]]:
    """What is sent until nothing more may be, a line a case."""
    sent = []
    while (delivery := next_delivery(of, chosen, ClockReading(now, minute))) is not None:
        sent += [(case.name, stage) for case, stage in delivery.parts]
        delivered(of, delivery.target.name, delivery.stages, now)
    return sent


def test_a_beginning_waits_for_what_belongs_to_it_and_then_goes_out_once() -> None:
    chosen = settings(settle_seconds=15.0)
    of = book(incident())
    assert stages(of, chosen, NOW + 14) == []
    assert stages(of, chosen, NOW + 16) == [("x-1.1", ToldStage.OPENED)]
    assert stages(of, chosen, NOW + 1000) == []


def test_an_incident_that_is_over_before_it_was_told_is_one_message() -> None:
    assert stages(book(over()), settings(), NOW + 6) == [("x-1.1", ToldStage.ENDED)]


def test_an_incident_without_an_end_is_escalated_once_to_those_who_want_it() -> None:
    chosen = settings(OPS, PAGER, escalate_seconds=600.0)
    of = book(incident(), pager=TargetHealth())
    assert stages(of, chosen, NOW + 20) == [("x-1.1", ToldStage.OPENED)]
    assert stages(of, chosen, NOW + 599) == []
    assert stages(of, chosen, NOW + 601, 0.0) == [("x-1.1", ToldStage.ESCALATED)] * 2
    of.take((over(told=of.cases["x-1.1"].told),))
    assert stages(of, chosen, NOW + 700) == [("x-1.1", ToldStage.ENDED)] * 2


def test_one_who_only_wants_escalations_hears_nothing_of_an_incident_that_ends() -> None:
    of = book(over(), pager=TargetHealth())
    assert stages(of, settings(PAGER), NOW + 9e5) == []
    assert known_to_all(of, settings(PAGER)) == {"x-1.1"}


def test_quiet_hours_hold_back_all_but_what_is_urgent() -> None:
    chosen = settings(quiet_hours=NIGHT, escalate_seconds=600.0)
    alarm = over("a@1", kind=CaseKind.ALARM, urgent=True)
    of = book(over(), incident("y-1.1"), alarm)
    assert stages(of, chosen, NOW + 601, 60.0) == [("y-1.1", ToldStage.ESCALATED), ("a@1", ToldStage.ENDED)]
    of.take((over("y-1.1", told=of.cases["y-1.1"].told),))
    assert stages(of, chosen, NOW + 700, 61.0) == [("y-1.1", ToldStage.ENDED)]
    assert stages(of, chosen, NOW + 9000, 7 * 60) == [("x-1.1", ToldStage.ENDED)]


def test_a_target_without_quiet_is_told_at_any_time() -> None:
    from dataclasses import replace
    chosen = settings(replace(OPS, quiet=False), quiet_hours=(0, 1440))
    assert stages(book(over()), chosen, NOW + 20) == [("x-1.1", ToldStage.ENDED)]


def test_the_rate_holds_back_and_the_rest_comes_together() -> None:
    chosen = settings(rate=2)
    of = book(*(over(f"x-1.{number}", opened=NOW + number) for number in range(4)))
    assert len(stages(of, chosen, NOW + 60)) == 2
    of.take(over(f"y-1.{number}") for number in range(TOGETHER))
    assert stages(of, chosen, NOW + 3659) == []
    delivery = next_delivery(of, chosen, ClockReading(NOW + 3661, NOON))
    assert delivery is not None
    assert len(delivery.parts) == 2 + TOGETHER


def test_what_is_urgent_has_a_rate_of_its_own_and_no_endless_one() -> None:
    chosen = settings(rate=1)
    of = book(*(over(f"a@{number}", kind=CaseKind.ALARM, urgent=True) for number in range(4)))
    assert len(stages(of, chosen, NOW + 60)) == 2


def test_a_failure_is_waited_for_and_a_clock_that_was_set_back_does_not_hold_it_up() -> None:
    of = book(over())
    failed(of, "ops", "no", NOW + 10, 60.0)
    assert stages(of, settings(), NOW + 69) == []
    assert of.targets["ops"].failing_since == NOW + 10
    assert stages(of, settings(), NOW - 90_000) == [("x-1.1", ToldStage.ENDED)]
    assert of.targets["ops"].failures == 0


@given(st.integers(1, 10_000), st.floats(0.1, 3600))
def test_waits_grow_and_never_exceed_an_hour(failures: int, first: float) -> None:
    assert min(first, LONGEST_WAIT_SECONDS) <= wait_after(failures, first) <= LONGEST_WAIT_SECONDS
    assert wait_after(failures, first) <= wait_after(failures + 1, first)


@given(st.integers(0, 1440), st.integers(0, 1440), st.floats(0, 1440, exclude_max=True))
def test_hours_and_the_hours_between_them_are_a_whole_day(begin: int, end: int, minute: float) -> None:
    if begin != end and {begin, end} != {0, 1440}:
        assert in_hours((begin, end), minute) is not in_hours((end, begin), minute)


@given(st.lists(CASES, max_size=8), st.floats(0, 4e9), st.floats(0, 1440, exclude_max=True), st.integers(1, 9))
def test_sending_comes_to_an_end_within_the_rate_and_nobody_is_told_twice(
        cases: list[NotifyCase], now: float, minute: float, rate: int) -> None:
    chosen = settings(OPS, PAGER, rate=rate, quiet_hours=NIGHT)
    of = book(*cases, pager=TargetHealth())
    before = {name: case.told_to("ops") for name, case in of.cases.items()}
    sent = stages(of, chosen, now, minute)
    assert len(sent) <= 2 * max(len(cases), 1) * 1
    assert len(of.targets["ops"].sent) <= 2 * rate
    for name, stage in sent:
        assert before[name] is not ToldStage.ENDED or of.cases[name].told_to("pager") is stage


@given(CASES, st.floats(0, 4e9))
def test_what_is_wanted_now_is_never_counted_as_known_to_all(case: NotifyCase, now: float) -> None:
    for target in (OPS, PAGER):
        if wanted(case, target, settings(), now) is not None:
            assert may_come(case, target)


def test_the_digest_is_due_once_a_day_from_its_time_on() -> None:
    chosen = settings(digest_minute=450)
    of = book()
    assert not digest_is_due(of, chosen, "2026-03-01", ClockReading(NOW, 449.9))
    assert digest_is_due(of, chosen, "2026-03-01", ClockReading(NOW, 450))
    of.digest_day = "2026-03-01"
    assert not digest_is_due(of, chosen, "2026-03-01", ClockReading(NOW, 1000))
    assert not digest_is_due(of, settings(), "2026-03-02", ClockReading(NOW, 1000))


def test_why_something_waits_is_said_in_words() -> None:
    clock = ClockReading(NOW, 0.0)
    assert held_back(TargetHealth(next_try=NOW + 5), OPS, settings(), clock, urgent=True).startswith("it failed")
    assert held_back(TargetHealth(), OPS, settings(quiet_hours=NIGHT), clock, urgent=False) == "quiet hours"
    assert held_back(TargetHealth(sent=(NOW,) * 20), OPS, settings(), clock, urgent=False) == "the rate"
    assert told(ToldStage.OPENED) == {"ops": ToldStage.OPENED}
