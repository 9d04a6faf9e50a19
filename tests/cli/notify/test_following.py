"""The journal read on, across restarts, rotations and a journal that is begun anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from watchdog_oom.cli.notify.book import JournalPlace
from watchdog_oom.cli.notify.following import JournalFollower
from watchdog_oom.journal import Journal, Kind, Record


def journal(path: Path, **options: Any) -> Journal:
    made = Journal(str(path), boot_id="b" * 36, **options)
    made.open()
    return made


def write(to: Journal, first: int, last: int) -> None:
    for number in range(first, last + 1):
        to.append(Record(Kind.LATE, result=f"n{number}"))


def new(follower: JournalFollower) -> list[str]:
    return [record["result"] for record in follower.records()]


def test_the_first_time_it_begins_with_what_comes(tmp_path: Path) -> None:
    made = journal(tmp_path)
    write(made, 1, 3)
    follower = JournalFollower(str(tmp_path), None)
    assert new(follower) == []
    write(made, 4, 5)
    assert new(follower) == ["n4", "n5"]
    assert new(follower) == []
    follower.close()
    made.close()


def test_a_journal_that_was_empty_or_not_there_is_read_from_its_beginning(tmp_path: Path) -> None:
    follower = JournalFollower(str(tmp_path / "log"), None)
    assert new(follower) == []
    made = journal(tmp_path / "log")
    write(made, 1, 2)
    assert new(follower) == ["n1", "n2"]
    follower.close()
    made.close()


def test_after_a_restart_it_goes_on_behind_the_last_record_across_rotations(tmp_path: Path) -> None:
    made = journal(tmp_path, segment_bytes=1500, keep=9)
    write(made, 1, 7)
    place: JournalPlace | None = None
    got: list[str] = []
    for last in (9, 15, 30):
        follower = JournalFollower(str(tmp_path), place or JournalPlace(0, ""))
        got += new(follower)
        place = follower.place
        follower.close()
        write(made, int(got[-1][1:]) + 1, last)
    follower = JournalFollower(str(tmp_path), place)
    got += new(follower)
    assert got == [f"n{number}" for number in range(1, 31)]
    assert follower.missed == 0
    follower.close()
    made.close()


def test_what_was_rotated_away_is_counted_and_the_rest_is_read(tmp_path: Path) -> None:
    made = journal(tmp_path, segment_bytes=1500, keep=2)
    write(made, 1, 1)
    follower = JournalFollower(str(tmp_path), JournalPlace(0, ""))
    assert new(follower) == ["n1"]
    place = follower.place
    follower.close()
    write(made, 2, 40)
    follower = JournalFollower(str(tmp_path), place)
    got = new(follower)
    assert got[-1] == "n40"
    assert follower.missed == 39 - len(got) > 0
    follower.close()
    made.close()


def test_a_journal_that_was_begun_anew_is_read_whole(tmp_path: Path) -> None:
    made = journal(tmp_path / "other")
    write(made, 1, 3)
    follower = JournalFollower(str(tmp_path / "other"), JournalPlace(2, "of the journal before"))
    assert new(follower) == ["n1", "n2", "n3"]
    assert follower.missed == 0
    follower.close()
    made.close()
