"""Which records people are told of, and as what."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.cli.notify.made import NOW, record
from watchdog_oom.cli.notify.cases import MOST_STEPS, CaseKind, NotifyCase, ToldStage
from watchdog_oom.cli.notify.folding import RESTARTED, folded
from watchdog_oom.core.rules.lost_senses import BLIND
from watchdog_oom.journal.record import Kind

ANYTHING = st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
                        lambda inner: st.lists(inner, max_size=3)
                        | st.dictionaries(st.text(max_size=9), inner, max_size=3))


def story(*records: dict[str, Any]) -> dict[str, NotifyCase]:
    cases: dict[str, NotifyCase] = {}
    for one in records:
        cases |= {case.name: case for case in folded(cases, one)}
    return cases


def test_an_incident_is_one_case_from_its_first_record_to_its_last() -> None:
    about: dict[str, Any] = {"incident": "x-1.1", "rule": "recover.x"}
    (case,) = story(record(Kind.INCIDENT, result="opened", because=["swap is gone"], **about),
                    record(Kind.INTENT, step="stop a.service", **about),
                    record(Kind.OUTCOME, step="stop a.service", ok=False, result="timeout", **about),
                    record(Kind.INCIDENT, result="closed: it failed", ok=False, at=NOW + 60, **about),
                    record(Kind.OUTCOME, step="purge v", ok=True, result="deleted", **about)).values()
    assert (case.kind, case.because, case.ended, case.ok) == (CaseKind.INCIDENT, ("swap is gone",), NOW + 60, False)
    assert [step[9:] for step in case.steps] == ["stop a.service: failed: timeout", "purge v: deleted"]


def test_what_still_comes_of_an_incident_that_is_forgotten_opens_none() -> None:
    assert story(record(Kind.OUTCOME, incident="x-1.1", rule="recover.x", step="purge v", result="deleted")) == {}


def test_processes_that_a_limit_ended_are_one_case_until_somebody_was_told() -> None:
    killed = record(Kind.OUTCOME, rule="limit.x", step="KILL x[7]", ok=True, result="KILL sent")
    (case,) = story(killed, {**killed, "seq": 9}).values()
    assert (case.kind, len(case.steps), case.ok) == (CaseKind.ACTS, 2, True)
    later = {case.name: case.tell("ops", ToldStage.ENDED)}
    (other,) = folded(later, {**killed, "seq": 11})
    assert other.name not in later


def test_a_process_that_waits_and_a_score_that_is_set_are_no_news() -> None:
    assert story(record(Kind.OUTCOME, rule="limit.x", step="STOP x[7]", ok=True, result="STOP sent"),
                 record(Kind.OUTCOME, rule="protect.x", step="oom_score_adj x[7] = -5", ok=False, result="denied"),
                 record(Kind.LATE, result="late"),
                 record(Kind.INCIDENT, rule="recover.x", result="observed only: would stop")) == {}


def test_a_hold_a_lost_sense_a_failure_and_a_broken_policy_are_alarms() -> None:
    cases = story(record(Kind.INCIDENT, rule="recover.x", result="held: 3 attempts in 6h did not help", seq=1),
                  record(Kind.INCIDENT, rule="memory", result=BLIND, seq=2),
                  record(Kind.INCIDENT, rule="daemon", ok=False, result="state.json cannot be written", seq=3),
                  record(Kind.POLICY, result="not valid", detail={"faults": ["a.toml:3: no"]}, seq=4))
    assert [(case.kind, case.urgent) for case in cases.values()] == [
        (CaseKind.ALARM, True), (CaseKind.ALARM, True), (CaseKind.ALARM, False), (CaseKind.ALARM, False)]
    assert cases["policy@4"].because == ("a.toml:3: no",)


def test_an_emergency_that_a_crash_cut_off_does_not_stay_open_for_ever() -> None:
    opened = record(Kind.INCIDENT, incident="emergency-1", rule="emergency", result="opened: memory")
    (case,) = story(opened, record(Kind.START, at=NOW + 9)).values()
    assert (case.ended, case.ok, case.result) == (NOW + 9, None, RESTARTED)


@given(st.lists(st.dictionaries(st.sampled_from(["time", "kind", "incident", "rule", "step", "because", "ok", "result",
                                                 "detail", "seq"]),
                                ANYTHING | st.sampled_from([*Kind, "closed", "held", "2026-03-01T01:00:00Z"])),
                max_size=9))
def test_no_record_whatever_it_holds_breaks_it_and_no_case_outgrows_its_bounds(records: list[dict[str, Any]]) -> None:
    for case in story(*records).values():
        assert len(case.steps) <= MOST_STEPS
        assert all(text.isprintable() for text in (case.name, case.rule, case.result, *case.steps, *case.because))


def test_of_very_many_steps_the_last_are_kept_and_the_others_counted() -> None:
    killed = record(Kind.OUTCOME, rule="limit.x", step="KILL x[7]", ok=True, result="KILL sent")
    (case,) = story(*[killed] * (MOST_STEPS + 7)).values()
    assert (len(case.steps), case.left_out) == (MOST_STEPS, 7)
