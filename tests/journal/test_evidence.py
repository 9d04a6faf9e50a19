"""The evidence of an incident stands once, whatever happens to the record that has it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from watchdog_oom.journal import Journal, Kind, Moment, Record
from watchdog_oom.journal.evidence import MOST_INCIDENTS, Evidence

WHY = ("swap free is 3%", "held for 15s")
OPENED = Record(Kind.INCIDENT, "7", "recover.a", because=WHY, result="opened")
Writer = Callable[..., Journal]


def told(evidence: Evidence, *records: Record) -> list[tuple[str, ...]]:
    """What each record that is written holds of its reasons."""
    kept = []
    for record in records:
        kept.append(evidence.once(record))
        evidence.written(kept[-1])
    return [record.because for record in kept]


def test_an_incident_has_its_evidence_once_and_its_records_what_is_theirs_alone() -> None:
    own = ("x[7] outlived the stop of a", *WHY)
    stop = Record(Kind.INTENT, "7", "recover.a", "stop a", because=WHY, id="i1")
    kill = Record(Kind.INTENT, "7", "recover.a", "TERM x[7]", because=own, id="i2")
    sent = Record(Kind.OUTCOME, "7", "recover.a", "TERM x[7]", because=own, id="i2", ok=True)
    closed = Record(Kind.INCIDENT, "7", "recover.a", because=WHY, result="closed: success")
    assert told(Evidence(), OPENED, stop, kill, sent, closed) == [WHY, (), own[:1], (), ()]


def test_other_incidents_and_acts_outside_of_any_keep_their_own() -> None:
    other = Record(Kind.INCIDENT, "8", "recover.b", because=WHY, result="opened")
    alone = Record(Kind.INTENT, None, "limit.x", "TERM x[7]", because=WHY, id="i1")
    alone_too = Record(Kind.OUTCOME, None, "limit.x", "TERM x[7]", because=WHY, id="i1")
    assert told(Evidence(), OPENED, other, alone, alone_too) == [WHY] * 4


def test_a_measure_that_has_changed_since_is_evidence_of_its_own() -> None:
    later = Record(Kind.INTENT, "7", "emergency", "KILL x[7]", because=("swap free is 2%", "held for 15s"), id="i1")
    assert told(Evidence(), OPENED, later) == [WHY, ("swap free is 2%",)]


def test_of_more_incidents_than_are_remembered_it_is_told_again_and_not_lost() -> None:
    evidence = Evidence()
    many = [Record(Kind.INCIDENT, str(number), because=WHY) for number in range(MOST_INCIDENTS + 1)]
    assert told(evidence, *many) == [WHY] * len(many)
    assert told(evidence, many[0], many[-1]) == [WHY, ()]


def test_the_journal_on_the_disk_and_its_copies_have_it_once(
        write: Writer, records: Callable[[], list[dict[str, Any]]]) -> None:
    copies: list[Record] = []
    journal = write(copy=lambda record, _seq: copies.append(record))
    journal.append(OPENED)
    journal.queue(Record(Kind.INTENT, "7", "recover.a", "stop a", because=WHY, id="i1"))
    journal.append(Record(Kind.OUTCOME, "7", "recover.a", "stop a", because=WHY, id="i1"))
    assert [record["because"] for record in records()] == [list(WHY), [], []]
    assert [record["incident"] for record in records()] == ["7"] * 3
    assert [record.because for record in copies] == [WHY, (), ()]


def test_where_the_first_record_is_lost_the_next_one_that_is_written_has_it(
        directory: Path, records: Callable[[], list[dict[str, Any]]]) -> None:
    boottime = 0.0
    journal = Journal(str(directory), boot_id="b", clocks=lambda: Moment(1e9, boottime))
    journal.open()
    journal.append(Record(Kind.LATE))
    for path in directory.iterdir():
        path.unlink()
    directory.rmdir()
    journal.append(OPENED)
    assert journal.dropped == 1
    boottime = 60.0
    for number in ("i1", "i2"):
        journal.append(Record(Kind.INTENT, "7", "recover.a", "stop a", because=WHY, id=number))
    journal.close()
    assert [record["because"] for record in records()] == [list(WHY), []]
