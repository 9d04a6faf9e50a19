"""Effects as printable values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.core.actions import (
    Action,
    Intent,
    Note,
    NoteKind,
    Plan,
    Probe,
    Purge,
    Refusal,
    RunCommand,
    SetOomScoreAdj,
    Signal,
    SignalName,
    StartUnit,
    StopUnit,
)
from watchdog_oom.core.model import ProcessId
from watchdog_oom.core.policy import RecoveryStep, Verb
from watchdog_oom.formatting import printable

WHO = ProcessId(10, 5)


@pytest.mark.parametrize(("step", "text"), [
    (Signal(WHO, "a\n", SignalName.TERM), "TERM a\\n[10]"),
    (SetOomScoreAdj(WHO, "x\x1b", -900), "oom_score_adj x\\x1b[10] = -900"),
    (StopUnit("a.service", "a"), "stop a.service"), (StartUnit("a.service", "a"), "start a.service"),
    (Purge("vscan", 5), "purge vscan"), (RunCommand(("/bin/echo", "a\tb"), 1.0), "run /bin/echo a\\tb"),
    (Probe("a"), "probe a")])
def test_every_step_is_printed_safely(step: Action, text: str) -> None:
    assert str(step) == text


def test_a_plan_prints_its_intents_refusals_and_notes_with_rule_and_reason() -> None:
    intent = Intent("i-1", Probe("a"), "recover.a", ("one", "two"))
    note = Note(NoteKind.INCIDENT, "recover.a", "opened", ("one",), action="1. stop a")
    plan = Plan((intent,), (Refusal(intent, "no"),), (note, Note(NoteKind.OUTCOME, "r", "ended")))
    assert str(plan).splitlines() == [
        "probe a  [recover.a] because one; two", "refused: probe a: no  [recover.a]",
        "1. stop a: opened  [recover.a] because one", "ended  [r]"]


@given(text=st.text())
def test_printable_text_has_no_control_character_and_can_be_written_as_utf_8(text: str) -> None:
    safe = printable(text + "\udcff\x1b\n")
    assert safe.isprintable()
    safe.encode("utf-8")


@given(one=st.text(max_size=5), other=st.text(max_size=5))
def test_two_names_that_differ_are_printed_differently(one: str, other: str) -> None:
    assert (printable(one) == printable(other)) is (one == other)


@pytest.mark.parametrize(("step", "text"), [
    (RecoveryStep(Verb.STOP, ("a", "b")), "stop a, b"),
    (RecoveryStep(Verb.START, stopped=True), "start what was stopped"),
    (RecoveryStep(Verb.START, ("a",)), "start a"), (RecoveryStep(Verb.WAIT, within_seconds=5.0), "wait 5s"),
    (RecoveryStep(Verb.RUN, argv=("/bin/x", "y")), "run /bin/x y")])
def test_the_steps_of_a_recovery_are_printed_as_they_are_written(step: RecoveryStep, text: str) -> None:
    assert str(step) == text
