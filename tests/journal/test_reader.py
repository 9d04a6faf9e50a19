"""Reading the journal: in order, over segments, past damage, beside a writing daemon."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen

import pytest

from watchdog_oom.errors import UsageError
from watchdog_oom.journal import Journal, Kind, Moment, Record
from watchdog_oom.journal.chain import link_of
from watchdog_oom.journal.files import lines_of
from watchdog_oom.journal.reader import journal_exists, opened_segments, read_entries

Writer = Callable[..., Journal]


def seqs_of(directory: Path, since: float | None = None) -> list[int]:
    return [entry.record["seq"] for entry in read_entries(str(directory), since=since)]


def test_records_come_in_order_over_all_segments(write: Writer, directory: Path) -> None:
    write(40, segment_bytes=2000, keep=50)
    assert len(list(directory.glob("audit-*.jsonl"))) > 3
    assert seqs_of(directory) == list(range(1, 41))


def test_since_is_a_lower_bound_on_the_records_own_time(directory: Path) -> None:
    walls = iter(range(1000, 1020))
    journal = Journal(str(directory), boot_id="b", clocks=lambda: Moment(float(next(walls)), 0.0))
    journal.open()
    for _ in range(10):
        journal.append(Record(Kind.LATE))
    journal.close()
    assert seqs_of(directory, since=1004.0) == [5, 6, 7, 8, 9, 10]
    assert seqs_of(directory, since=9e9) == []


def test_damaged_lines_are_skipped_and_the_rest_is_read(write: Writer, directory: Path) -> None:
    write(4).close()
    path = directory / "audit.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    junk = b"\xff\xfe\n[]\n7\n" + b"[" * 100_000 + b"\n"
    path.write_bytes(lines[0] + junk + lines[1] + b'{"kind":1}\n' + lines[2][:-9])
    assert seqs_of(directory) == [1, 2]


def test_an_entry_carries_the_line_as_it_is_stored(write: Writer, directory: Path) -> None:
    write(2).close()
    stored = (directory / "audit.jsonl").read_bytes().splitlines()
    assert [entry.line for entry in read_entries(str(directory))] == stored


def test_a_planted_link_is_not_followed(write: Writer, directory: Path, tmp_path: Path) -> None:
    write(1).close()
    (tmp_path / "other").write_bytes((directory / "audit.jsonl").read_bytes())
    (directory / "audit-000000000099.jsonl").symlink_to(tmp_path / "other")
    assert seqs_of(directory) == [1]


def test_there_is_no_journal_where_no_daemon_ran(directory: Path, tmp_path: Path) -> None:
    assert not journal_exists(str(directory))
    assert seqs_of(directory) == []
    directory.mkdir()
    assert not journal_exists(str(directory))
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="is not a directory"):
        journal_exists(str(tmp_path / "file"))


def test_reading_beside_a_rotating_daemon_leaves_no_hole(
        directory: Path, start_writer: Callable[..., Popen[bytes]]) -> None:
    start_writer(segment_bytes=60_000, keep=3)
    deadline = time.monotonic() + 10
    seen = 0
    while time.monotonic() < deadline and seen < 400:
        seqs = seqs_of(directory)
        assert seqs == list(range(seqs[0], seqs[0] + len(seqs))) if seqs else True
        seen = seqs[-1] if seqs else 0
    assert seen >= 400


def test_segments_opened_in_the_middle_of_a_rotation_still_follow_each_other(
        directory: Path, start_writer: Callable[..., Popen[bytes]]) -> None:
    start_writer(segment_bytes=9000, keep=3)
    deadline = time.monotonic() + 1.0
    while time.monotonic() < deadline:
        with opened_segments(str(directory)) as segments:
            texts = [os.pread(fd, 100_000, 0) for _, fd in segments]
        whole = [[link.seq for line in text.split(b"\n")[:-1] if (link := link_of(line))] for text in texts]
        seqs = [seq for segment in whole for seq in segment]
        assert seqs == list(range(seqs[0], seqs[0] + len(seqs))) if seqs else True


def test_a_line_is_read_whole_however_it_falls_into_chunks(tmp_path: Path) -> None:
    lines = [b"x" * size for size in (0, 1, 131_071, 131_072, 131_073, 400_000, 5)]
    path = tmp_path / "file"
    path.write_bytes(b"\n".join(lines))
    fd = os.open(path, os.O_RDONLY)
    assert list(lines_of(fd)) == [*((line, True) for line in lines[:-1]), (b"x" * 5, False)]
    os.close(fd)
