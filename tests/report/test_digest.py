"""Records put together: bounded, whatever a journal holds."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import at_most
from tests.report.conftest import BEGINS
from tests.report.journaled import done, incident, journaled, process
from watchdog_oom.report.digest import MOST_ACTS, MOST_INCIDENTS, JournalDigest, digest_of

json = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
                    max_leaves=5)
kinds = st.sampled_from(["start", "stop", "policy", "incident", "intent", "outcome", "refused", "recovered", "late",
                         "request", "song"])
record = st.fixed_dictionaries(
    {"kind": kinds, "time": st.sampled_from(["2026-02-28T20:00:00.000Z", "2026-02-28T20:01:00.000Z", "x"])},
    optional=dict.fromkeys(("v", "boot", "mono", "incident", "rule", "step", "target", "because", "ok", "result",
                            "took_s", "id", "dropped", "detail"), json))


@settings(max_examples=at_most(40), deadline=None)
@given(records=st.lists(record, max_size=12))
def test_no_record_breaks_it_whatever_stands_in_its_keys(records: list[dict[str, object]]) -> None:
    from tests.report.conftest import night_from
    from watchdog_oom.report.page import html_of
    from watchdog_oom.report.plain import plain_of
    from watchdog_oom.report.text import text_of
    night = night_from(records)
    html_of(night)
    assert text_of(night)
    assert plain_of(night)["v"] == 1


def test_a_journal_full_of_acts_and_incidents_is_counted_not_kept() -> None:
    digest = JournalDigest()
    acts = journaled(done(BEGINS, "STOP x[1]", process(1, "x"), name="", rule="limit.x"))
    for _ in range(MOST_ACTS + 100):
        digest.add(acts[0])
    for number in range(MOST_INCIDENTS + 50):
        digest.add({**acts[0], "kind": "incident", "incident": f"i-{number}", "result": "opened"})
    assert len(digest.incidents()) == MOST_INCIDENTS
    assert digest.left_out == 100 + 51


def test_an_outcome_whose_intent_came_before_the_night_is_an_act_of_its_own() -> None:
    _, ended = journaled(done(BEGINS, "stop app.service", {"unit": "app.service"}))
    (found,) = digest_of([ended]).incidents()
    assert [(act.step, act.ok, act.result) for act in found.acts] == [("stop app.service", True, "done")]


def test_an_intent_without_an_outcome_has_no_end() -> None:
    begun, _ = journaled(done(BEGINS, "stop app.service", {"unit": "app.service"}))
    (found,) = digest_of([begun]).incidents()
    assert found.acts[0].ended is None
    assert found.closed is None


def test_an_incident_that_opens_fails_and_is_held_ends_as_failed() -> None:
    (found,) = digest_of(journaled([incident(BEGINS, "opened"), incident(BEGINS + 9, "held: 3 attempts did not help")]),
                         ).incidents()
    assert (found.ok, found.result) == (False, "held: 3 attempts did not help")


def test_what_is_only_observed_is_only_told() -> None:
    (found,) = digest_of(journaled([incident(BEGINS, "observed only: would TERM php-fpm[123]", name="")])).incidents()
    assert found.only_told
