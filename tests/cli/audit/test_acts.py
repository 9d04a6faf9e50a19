"""Intents and outcomes become acts, in the order in which they began, whatever is missing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.cli.audit.acts import Joiner
from watchdog_oom.journal.reader import Entry

RECORDS = st.lists(st.tuples(st.sampled_from(["intent", "outcome", "late"]), st.sampled_from([None, "a", "b", "c"])))


def entry(kind: str, name: str | None, number: int = 0) -> Entry:
    return Entry(b"%d" % number, {"kind": kind, "id": name, "time": ""})


def test_an_act_waits_for_its_outcome_and_those_after_it_wait_too() -> None:
    joiner = Joiner()
    assert joiner.add(entry("intent", "a")) == []
    assert joiner.add(entry("late", None)) == []
    first, second = joiner.add(entry("outcome", "a"))
    assert (first.entry.record["kind"], first.outcome is not None) == ("intent", True)
    assert second.entry.record["kind"] == "late"


def test_a_second_outcome_and_one_of_an_intent_that_was_given_already_are_acts_of_their_own() -> None:
    joiner = Joiner()
    joiner.add(entry("intent", "a"))
    (begun,) = joiner.rest()
    assert begun.under_way
    (late,) = joiner.add(entry("outcome", "a"))
    assert late.entry.record["kind"] == "outcome"
    (again,) = joiner.add(entry("outcome", "a"))
    assert again.entry.record["kind"] == "outcome"


def test_an_intent_that_never_ends_holds_up_a_bounded_number_of_others() -> None:
    joiner = Joiner()
    joiner.add(entry("intent", "a"))
    given_out = [act for number in range(5000) for act in joiner.add(entry("late", None, number))]
    assert given_out[0].under_way
    assert len(given_out) == 5001


@given(RECORDS)
def test_every_record_is_in_exactly_one_act_and_acts_keep_their_order(kinds: list[tuple[str, str | None]]) -> None:
    joiner = Joiner()
    acts = [act for number, (kind, name) in enumerate(kinds) for act in joiner.add(entry(kind, name, number))]
    acts += joiner.rest()
    begun = [int(act.entry.line) for act in acts]
    assert begun == sorted(begun)
    assert sorted(begun + [int(act.outcome.line) for act in acts if act.outcome]) == list(range(len(kinds)))
