"""What the journal counts to, record by record, whatever the daemon lived through."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.cli.metrics.told import BOOT, lines_of, outcome
from watchdog_oom.cli.metrics.counts import Counts, JournalCounts
from watchdog_oom.journal.record import Kind, Record


def counted(*records: Record, boot: str = BOOT, dropped: int = 0) -> Counts:
    journal = JournalCounts(BOOT)
    journal.add(lines_of(records, boot=boot, dropped=dropped))
    return journal.counts


def test_acts_count_by_rule_and_by_how_they_came_out() -> None:
    counts = counted(outcome("limit.a", True), outcome("limit.a", True), outcome("limit.a", False),
                     outcome("limit.b", None))
    assert counts.acts == {("limit.a", "ok"): 2, ("limit.a", "failed"): 1, ("limit.b", "unknown"): 1}


def test_an_incident_counts_once_and_its_end_by_its_result() -> None:
    opened = Record(Kind.INCIDENT, "m-1", "recover.m", result="opened", because=("x",))
    step = Record(Kind.INCIDENT, "m-1", "recover.m", "1. stop m", ok=True, result="verified: m is stopped")
    closed = Record(Kind.INCIDENT, "m-1", "recover.m", result="closed: success", ok=True)
    failed = Record(Kind.INCIDENT, "m-2", "recover.m", result="closed: failed: x", ok=False)
    counts = counted(opened, step, closed, failed)
    assert counts.incidents == {"recover.m": 2}
    assert counts.closed == {("recover.m", "ok"): 1, ("recover.m", "failed"): 1}


def test_a_purge_and_the_deletion_of_what_it_cleared_are_one_act() -> None:
    target = {"spool": "vscan", "path": "/v", "limit": 9}
    counts = counted(outcome("recover.m", True, target=target, step="purge vscan"),
                     outcome("recover.m", True, target=target, step="purge vscan", took=None))
    assert counts.purges == {("vscan", "ok"): 1}
    assert counts.acts == {("recover.m", "ok"): 1}


def test_refusals_late_rounds_starts_and_rejected_policies_count() -> None:
    counts = counted(Record(Kind.START), Record(Kind.REFUSED, rule="limit.a"), Record(Kind.LATE, took_seconds=2.0),
                     Record(Kind.POLICY, detail={"faults": ["a.toml:1: x"]}), Record(Kind.POLICY, result="loaded"))
    assert (counts.starts, counts.refusals, counts.late_rounds, counts.rejected_policies) == (1, {"limit.a": 1}, 1, 1)


def test_kills_of_the_kernel_count_by_whose_memory_had_run_out() -> None:
    told = Record(Kind.INCIDENT, rule="kernel", ok=False, detail={"kernel_kills": {"host": 1, "memcg": 3}})
    counts = counted(told, told)
    assert counts.kernel_kills == {"host": 2, "memcg": 6}
    assert counts.closed == {}


def test_a_loss_counts_once_whether_the_journal_tells_it_or_the_daemon_still_has_it() -> None:
    journal = JournalCounts(BOOT)
    gaps = Record(Kind.INCIDENT, rule="recorder", ok=False, detail={"dropped_ticks": 2, "lost_samples": 3})
    journal.add(lines_of([Record(Kind.START)]))
    assert journal.counts.lost_samples.total(5) == 5  # not told yet
    journal.add(lines_of([gaps]))
    assert journal.counts.lost_samples.total(5) == 5
    assert journal.counts.lost_samples.total(0) == 3  # nobody is there to ask
    journal.add(lines_of([Record(Kind.START)]))
    assert journal.counts.lost_samples.total(0) == 3  # a new daemon begins with none
    assert journal.counts.lost_samples.total(4) == 7
    journal.add(lines_of([Record(Kind.LATE)], dropped=6))
    assert journal.counts.lost_records.total(6) == 6


def test_records_of_another_boot_and_lines_that_are_none_do_not_count() -> None:
    journal = JournalCounts(BOOT)
    other = "6f0c1f0e-0000-4000-8000-000000000002"
    journal.add([*lines_of([outcome("limit.a", True)], boot=other), b"", b"{", b'{"boot":"' + BOOT.encode() + b'"}'])
    assert journal.counts == Counts()


@given(st.lists(st.sampled_from(["start", "outcome", "late", "refused"])), st.integers(0, 50))
def test_counting_in_two_looks_is_counting_in_one(kinds: list[str], cut: int) -> None:
    records = [Record(Kind(kind), rule="limit.a", ok=True, took_seconds=1.0) for kind in kinds]
    lines = lines_of(records)
    once, twice = JournalCounts(BOOT), JournalCounts(BOOT)
    once.add(lines)
    twice.add(lines[:cut])
    twice.add(lines[cut:])
    assert once.counts == twice.counts
