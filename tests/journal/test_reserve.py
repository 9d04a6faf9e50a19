"""On a full disk records are lost, never the daemon, and no records while the reserve lasts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from subprocess import run
from typing import Any

import pytest

from watchdog_oom.host.syscalls import fallocate
from watchdog_oom.journal import Journal, Kind, Moment, Record
from watchdog_oom.journal.reserve import AHEAD_BYTES, Allocate
from watchdog_oom.journal.verify import verify

pytestmark = [pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]
Writer = Callable[..., Journal]
Records = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def small_disk(directory: Path) -> Iterator[Path]:
    """A file system of 2 MiB where the journal lives."""
    directory.mkdir(0o700)
    mounted = run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=0700", "tmpfs", directory], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("mounting is not permitted here")
    yield directory
    run(["umount", "-l", directory], check=True)


def _fill(disk: Path) -> Path:
    filler = disk / "filler"
    fd = os.open(filler, os.O_WRONLY | os.O_CREAT)
    with suppress(OSError):
        while os.write(fd, b"x" * 4096):
            pass
    os.close(fd)
    return filler


def _append_until_dropped(journal: Journal) -> int:
    """How many records still went in."""
    for count in range(5000):
        journal.append(Record(Kind.OUTCOME, result="x" * 500))
        if journal.dropped:
            return count
    raise AssertionError("the disk is not full")


@pytest.mark.parametrize("allocate", [fallocate, None])
def test_a_full_disk_takes_records_from_the_reserve_and_then_tells_how_many_were_lost(
        small_disk: Path, write: Writer, records: Records, allocate: Allocate | None) -> None:
    journal = write(3, allocate=allocate)
    filler = _fill(small_disk)
    written = _append_until_dropped(journal)
    assert (small_disk / "audit.jsonl").stat().st_size > AHEAD_BYTES
    for _ in range(4):
        journal.append(Record(Kind.OUTCOME, result="x" * 600))
    assert journal.dropped == 5
    assert verify(str(small_disk)).intact
    filler.unlink()
    journal.append(Record(Kind.LATE))
    journal.append(Record(Kind.LATE))
    assert [record["dropped"] for record in records()[-2:]] == [5, None]
    verdict = verify(str(small_disk))
    assert verdict.intact
    assert verdict.last_seq == 3 + written + 2
    journal.close()


def test_the_reserve_does_not_make_the_file_look_longer(small_disk: Path, write: Writer) -> None:
    write(1)
    status = (small_disk / "audit.jsonl").stat()
    assert status.st_size < 1000
    assert status.st_blocks * 512 >= AHEAD_BYTES


def test_a_disk_that_is_full_from_the_start_costs_records_until_there_is_space(
        small_disk: Path, write: Writer, records: Records) -> None:
    filler = _fill(small_disk)
    boottime = 0.0
    journal = write(3, clocks=lambda: Moment(1e9, boottime))
    assert journal.dropped == 3
    filler.unlink()
    boottime = 60.0
    journal.append(Record(Kind.START))
    assert [(record["seq"], record["dropped"]) for record in records()] == [(1, 3)]
    assert verify(str(small_disk)).intact
    journal.close()


def test_a_full_disk_at_a_restart_still_opens_and_writes_from_the_reserve(
        small_disk: Path, write: Writer, records: Records) -> None:
    write(2).close()
    _fill(small_disk)
    journal = write(2)
    assert journal.dropped == 0
    assert len(records()) == 4
    journal.close()


def test_a_file_system_without_fallocate_gets_a_spare_file_instead(directory: Path, write: Writer) -> None:
    directory.mkdir(0o700)
    if run(["mount", "-t", "ramfs", "-o", "mode=0700", "ramfs", directory], capture_output=True).returncode != 0:
        pytest.skip("mounting ramfs is not permitted here")
    try:
        journal = write(20)
        assert (directory / "audit.reserve").stat().st_size >= AHEAD_BYTES
        journal.close()
        assert verify(str(directory)).intact
    finally:
        run(["umount", "-l", directory], check=True)
