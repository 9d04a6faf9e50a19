"""What counts as done as expected, and what as done although refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.cli.policy_test.expectation import Done, done_by, first_missing, refused_yet_done
from watchdog_oom.core.actions import Intent, Note, NoteKind, Plan, SetOomScoreAdj, Signal, SignalName
from watchdog_oom.core.model import ProcessId

STOP, TERM, PURGE = (Done(1.0, what, "recover.r") for what in ("stop a.service", "TERM clamscan[30]", "purge s"))
ADJUST = Done(1.0, "oom_score_adj mysqld[5] = -900", "protect.p", harmless=True)
NEWS = Done(1.0, "opened", "recover.r", harmless=True)
ALL = (NEWS, ADJUST, STOP, TERM, PURGE)


@pytest.mark.parametrize(("pattern", "line", "matches"), [
    ("stop a.service", STOP, True), ("stop *", STOP, True), ("stop a?service", STOP, True), ("stop", STOP, False),
    ("stop aXservice", STOP, False), ("TERM clamscan[30]", TERM, True), ("TERM clamscan*", TERM, True),
    ("TERM clamscan[3]", TERM, False), ("TERM clamscan* [recover.r]", TERM, True), ("*[recover.q]", TERM, False),
    ("* mysqld*", ADJUST, False), ("*", ADJUST, False), ("oom_score_adj mysqld*", ADJUST, True), ("*", NEWS, False),
    ("opened [recover.r]", NEWS, True), ("*", PURGE, True)])
def test_a_pattern_stands_for_whole_lines_with_their_rule_or_without(pattern: str, line: Done, matches: bool) -> None:
    assert line.matches(pattern) is matches


def test_what_is_expected_must_come_in_its_order_with_anything_between() -> None:
    assert first_missing(("stop *", "purge s"), ALL) is None
    assert first_missing(("purge s", "stop *"), ALL) == "stop *"
    assert first_missing(("TERM *", "TERM *"), ALL) == "TERM *"
    assert first_missing((), ()) is None


def test_what_is_refused_is_told_with_the_pattern_that_means_it() -> None:
    assert refused_yet_done(("KILL *", "TERM *", "*"), ALL) == (("*", STOP), ("TERM *", TERM), ("*", PURGE))
    assert refused_yet_done(("* mysqld*",), ALL) == ()


def test_acts_and_news_are_lines_and_outcomes_are_none() -> None:
    target = ProcessId(5, 1)
    plan = Plan((Intent("i", Signal(target, "a", SignalName.TERM), "limit.l", ("why",)),
                 Intent("j", SetOomScoreAdj(target, "a", -900), "protect.p", ())),
                notes=(Note(NoteKind.INCIDENT, "limit.l", "would TERM a[5]"),
                       Note(NoteKind.OUTCOME, "limit.l", "done")))
    assert [(line.what, line.harmless, line.because) for line in done_by(plan, 3.0)] == [
        ("TERM a[5]", False, ("why",)), ("oom_score_adj a[5] = -900", True, ()), ("would TERM a[5]", True, ())]


@given(st.text(max_size=20), st.text(max_size=20))
def test_any_text_matches_itself_and_a_star_anything(what: str, rule: str) -> None:
    line = Done(0.0, what, rule)
    assert line.matches("*")
    assert line.matches(what) or set("*?") & set(what)
