"""How an effect came out reaches the journal and the next snapshot as one value, whatever it was."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from tests.core.snapshot_json import snapshot_of, to_plain
from watchdog_oom.core.actions import Intent, SetOomScoreAdj
from watchdog_oom.core.model import Clock, ProcessId, Snapshot
from watchdog_oom.core.outcome import EffectReport, Outcome
from watchdog_oom.core.policy import Policy
from watchdog_oom.daemon.audit import AuditTrail
from watchdog_oom.journal.record import Record

OUTCOMES = st.builds(Outcome, st.none() | st.booleans(), st.text(), st.none() | st.integers(-1000, 1000),
                     st.none() | st.integers(-1000, 1000))
INTENT = Intent("i-1", SetOomScoreAdj(ProcessId(7, 70), "db", -900), "protect.db", ("why",))


@given(OUTCOMES)
def test_the_journal_tells_it_as_it_is_and_once(outcome: Outcome) -> None:
    told: list[Record] = []
    trail = AuditTrail(told.append, told.append, lambda process: process)
    trail.intent(INTENT, Snapshot(Clock(1000.0, 100.0)), Policy())
    report = EffectReport("i-1", outcome, None, 100.0)
    trail.report(report)
    trail.report(report)
    _, record = told
    assert (record.ok, record.result, record.before, record.after) == (
        outcome.ok, outcome.words, outcome.before, outcome.after)


@given(OUTCOMES, st.none() | st.floats(0, 1e6))
def test_a_recorded_snapshot_holds_it_as_it_was(outcome: Outcome, took_seconds: float | None) -> None:
    snapshot = Snapshot(Clock(1000.0, 100.0), reports=(EffectReport("i-1", outcome, took_seconds, 100.0),))
    assert snapshot_of(json.loads(json.dumps(to_plain(snapshot)))) == snapshot
