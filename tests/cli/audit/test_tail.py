"""Reading on in a real journal while the daemon's own writer rotates it, loses it, begins it anew."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from watchdog_oom.cli.audit.tail import JournalTail
from watchdog_oom.journal import Journal, Kind, Record


def journal(directory: Path, *, keep: int = 50) -> Journal:
    opened = Journal(str(directory), boot_id="b" * 36, segment_bytes=1500, keep=keep)
    opened.open()
    return opened


def write(writer: Journal, first: int, count: int) -> None:
    for number in range(first, first + count):
        writer.append(Record(Kind.LATE, result=f"n{number}"))


def read(tail: JournalTail) -> list[str]:
    return [json.loads(line)["result"] for line in tail.lines()]


def names(first: int, count: int) -> list[str]:
    return [f"n{number}" for number in range(first, first + count)]


def test_all_lines_come_once_however_many_files_were_closed_between_two_looks(tmp_path: Path) -> None:
    writer, tail = journal(tmp_path), JournalTail(str(tmp_path))
    assert read(tail) == []
    write(writer, 0, 3)
    assert read(tail) == names(0, 3)
    write(writer, 3, 30)
    assert len(list(tmp_path.glob("audit-*"))) > 3
    assert read(tail) == names(3, 30)
    assert read(tail) == []
    tail.close()
    writer.close()


def test_what_was_removed_before_it_was_opened_is_missing_and_nothing_else(tmp_path: Path) -> None:
    writer, tail = journal(tmp_path, keep=1), JournalTail(str(tmp_path))
    write(writer, 0, 2)
    assert read(tail) == names(0, 2)
    write(writer, 2, 40)
    later = read(tail)
    opened = next(number for number, name in enumerate(later) if name != f"n{number + 2}")  # the file that was open
    assert later == names(2, opened) + names(42 - len(later) + opened, len(later) - opened)
    assert 0 < opened < len(later) < 20
    write(writer, 42, 1)
    assert read(tail) == ["n42"]
    tail.close()
    writer.close()


def test_a_journal_that_comes_later_or_is_begun_anew_is_read(tmp_path: Path) -> None:
    directory = tmp_path / "log"
    tail = JournalTail(str(directory))
    assert read(tail) == []
    writer = journal(directory)
    write(writer, 0, 2)
    assert read(tail) == names(0, 2)
    writer.close()
    directory.rename(tmp_path / "old")
    assert read(tail) == []
    writer = journal(directory)
    write(writer, 7, 2)
    assert read(tail) == names(7, 2)
    tail.close()
    writer.close()


def test_a_line_of_which_only_a_part_is_there_is_given_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_bytes(b'{"whole":1}\n{"ha')
    tail = JournalTail(str(tmp_path))
    assert list(tail.lines()) == [b'{"whole":1}']
    with path.open("ab") as file:
        file.write(b'lf":2}\n')
    assert list(tail.lines()) == [b'{"half":2}']
    tail.close()


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 12), max_size=8))
def test_no_record_is_lost_or_repeated_wherever_the_looks_fall(tmp_path_factory: object, counts: list[int]) -> None:
    directory = tmp_path_factory.mktemp("log")  # type: ignore[attr-defined]
    writer, tail = journal(directory), JournalTail(str(directory))
    seen: list[str] = []
    for count in counts:
        write(writer, writer.last_seq, count)
        seen += read(tail)
    assert seen == names(0, sum(counts))
    tail.close()
    writer.close()
