"""Whose journal it is."""

from __future__ import annotations

from pathlib import Path

from watchdog_oom.journal import Journal, Kind, Moment, Record
from watchdog_oom.journal.whose import host_of


def journal_of(directory: Path, *records: tuple[float, Record]) -> str:
    walls = iter(wall for wall, _ in records)
    journal = Journal(str(directory), boot_id="b", clocks=lambda: Moment(next(walls), 0.0))
    journal.open()
    for _, record in records:
        journal.append(record)
    journal.close()
    return str(directory)


def started(host: object) -> Record:
    return Record(Kind.START, detail={"version": "1", "host": host})


def test_the_last_start_up_to_a_time_names_the_host(directory: Path) -> None:
    where = journal_of(directory, (1000.0, started("old")), (2000.0, Record(Kind.LATE)), (3000.0, started("new")))
    assert host_of(where) == "new"
    assert host_of(where, 2500.0) == "old"
    assert host_of(where, 500.0) == ""


def test_what_only_looks_like_a_start_names_nobody(directory: Path) -> None:
    where = journal_of(directory, (1.0, Record(Kind.STOP, result='"kind":"start"', detail={"host": "x"})),
                       (2.0, Record(Kind.START, detail={"version": "1"})), (3.0, started(7)), (4.0, Record(Kind.START)))
    assert host_of(where) == ""


def test_a_journal_that_is_not_there_is_of_nobody(tmp_path: Path) -> None:
    assert host_of(str(tmp_path / "none")) == ""
