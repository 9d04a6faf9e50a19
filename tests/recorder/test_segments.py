"""The files of the recorder: names by the hour, members appended, a bound on all of them."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from watchdog_oom.recorder.member import lines, members
from watchdog_oom.recorder.segments import FlightWriter, flight_files, hour_of

THREE = datetime(2026, 3, 1, 3, 12, tzinfo=UTC).timestamp()


def writer(directory: Path, space: int = 1 << 20, keep: float = 7 * 86400.0) -> FlightWriter:
    return FlightWriter(str(directory), space, keep)


def content(path: Path) -> list[list[bytes]]:
    fd = os.open(path, os.O_RDONLY)
    found = [list(lines(fd, member, pytest.fail)) for member in members(fd)]
    os.close(fd)
    return found


def names(directory: Path) -> list[str]:
    return [each.name for each in flight_files(os.listdir(directory))]


def test_an_hour_has_a_file_of_its_own_for_its_members_and_root_alone_reads_it(tmp_path: Path) -> None:
    flight = writer(tmp_path)
    for minute, line in ((0, b"key\n"), (1, b"change\n"), (10, b"key\n"), (55, b"next\n")):
        flight.write(line, THREE + minute * 60, keyframe=minute != 1)
    flight.end()
    assert names(tmp_path) == ["20260301T03.jsonl.gz", "20260301T04.jsonl.gz"]
    assert content(tmp_path / "20260301T03.jsonl.gz") == [[b"key", b"change"], [b"key"]]
    assert (tmp_path / "20260301T03.jsonl.gz").stat().st_mode & 0o777 == 0o600


def test_a_date_that_is_set_back_does_not_change_the_order_of_the_files(tmp_path: Path) -> None:
    flight = writer(tmp_path)
    for at in (THREE, THREE - 7200, THREE - 3600 * 23, THREE + 3600):
        flight.write(b"%d\n" % at, at, keyframe=True)
    assert names(tmp_path) == ["20260301T03.jsonl.gz", "20260301T04.jsonl.gz"]
    assert len(content(tmp_path / "20260301T03.jsonl.gz")) == 3


def test_a_file_of_a_date_that_was_wrong_holds_nothing_up(tmp_path: Path) -> None:
    (tmp_path / "20990101T00.jsonl.gz").touch()
    flight = writer(tmp_path)
    flight.write(b"x\n", THREE, keyframe=True)
    assert names(tmp_path)[0] == "20260301T03.jsonl.gz"


def test_an_hour_that_has_too_much_for_one_file_goes_on_in_another(tmp_path: Path) -> None:
    flight = writer(tmp_path, space=4000)
    for number in range(30):
        flight.write(os.urandom(100).hex().encode() + b"\n", THREE + number, keyframe=True)
    assert names(tmp_path)[:2] == ["20260301T03.jsonl.gz", "20260301T03-1.jsonl.gz"]
    assert [number for each in names(tmp_path) for number in content(tmp_path / each)]
    assert flight.prune(THREE) <= 4000


def test_what_is_too_old_and_the_oldest_of_what_does_not_fit_is_removed_and_nothing_else(tmp_path: Path) -> None:
    for hours in range(6):
        (tmp_path / f"{hour_of(THREE - 3600 * hours)}.jsonl.gz").write_bytes(bytes(100))
    (tmp_path / "notes.txt").touch()
    (tmp_path / "20260301T03.jsonl.gz.bak").touch()
    assert writer(tmp_path, keep=3 * 3600.0).prune(THREE) == 500
    assert names(tmp_path)[0] == "20260228T23.jsonl.gz"
    assert writer(tmp_path, space=250).prune(THREE) == 200
    assert names(tmp_path) == ["20260301T02.jsonl.gz", "20260301T03.jsonl.gz"]
    assert writer(tmp_path, space=1).prune(THREE) == 100, "never the newest"
    assert (tmp_path / "notes.txt").exists() and (tmp_path / "20260301T03.jsonl.gz.bak").exists()


def test_after_a_failure_only_a_keyframe_begins_anew(tmp_path: Path) -> None:
    flight = writer(tmp_path)
    (tmp_path / "20260301T03.jsonl.gz").symlink_to("/dev/full")
    with pytest.raises(OSError):
        flight.write(b"x\n", THREE, keyframe=True)
    (tmp_path / "20260301T03.jsonl.gz").unlink()
    flight.write(b"change\n", THREE, keyframe=False)
    assert names(tmp_path) == []
    flight.write(b"key\n", THREE, keyframe=True)
    assert content(tmp_path / "20260301T03.jsonl.gz") == [[b"key"]]
