"""Recordings read back: in order, from a time on, past damage, each trouble told in words."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import sys
from math import inf
from pathlib import Path

import pytest

from tests.core.build import proc
from tests.recorder.nights import MIDNIGHT, at, record
from watchdog_oom.core.model import Snapshot
from watchdog_oom.errors import UsageError
from watchdog_oom.recorder.frames import encode
from watchdog_oom.recorder.reading import covered, samples
from watchdog_oom.recorder.sample import SampleKind
from watchdog_oom.recorder.segments import hour_of

NIGHT = [at(MIDNIGHT + 10 * count, proc(10, "init", rss=8), proc(11, "hog", rss=count)) for count in range(1000)]


def read(where: Path, since: float = -inf, until: float = inf) -> tuple[list[Snapshot], list[str]]:
    told: list[str] = []
    return [sample.snapshot for sample in samples(str(where), since, until, told.append)], told


def file_of(directory: Path, hour: int) -> Path:
    return directory / f"{hour_of(MIDNIGHT + 3600 * hour)}.jsonl.gz"


def test_a_night_over_several_hours_is_read_as_it_was_written(tmp_path: Path) -> None:
    record(tmp_path, NIGHT)
    assert len(list(tmp_path.iterdir())) == 3
    assert read(tmp_path) == (NIGHT, [])
    assert covered(str(tmp_path)) == (NIGHT[0].clock.wall, NIGHT[-1].clock.wall)
    zcat = subprocess.run(["sh", "-c", f"zcat {tmp_path}/*.gz | wc -l"], capture_output=True, check=True)
    assert int(zcat.stdout) == len(NIGHT)


@pytest.mark.parametrize(("first", "last"), [(0, 5), (355, 365), (59, 61), (700, 999), (500, 500), (999, 2000)])
def test_a_span_is_cut_at_the_sample_wherever_hours_and_members_begin(tmp_path: Path, first: int, last: int) -> None:
    record(tmp_path, NIGHT)
    assert read(tmp_path, MIDNIGHT + first * 10, MIDNIGHT + last * 10) == (NIGHT[first:last + 1], [])


def test_only_the_members_that_matter_are_read(tmp_path: Path) -> None:
    record(tmp_path, NIGHT)
    file_of(tmp_path, 0).write_bytes(b"no gzip")
    whole = file_of(tmp_path, 2).read_bytes()
    file_of(tmp_path, 2).write_bytes(whole[:99] + b"\xff" * 99 + whole[198:])
    found, told = read(tmp_path, MIDNIGHT + 9000, MIDNIGHT + 9100)
    assert (found, told) == (NIGHT[900:911], [])


def test_the_ticks_before_an_opening_come_at_their_own_time_and_once(tmp_path: Path) -> None:
    ring = [at(MIDNIGHT + 500 + second) for second in range(60)]
    calm = [at(MIDNIGHT + 10 * count) for count in range(56)]
    record(tmp_path, calm)
    record(tmp_path, ring, kind=SampleKind.RING)
    record(tmp_path, [at(MIDNIGHT + 560)])
    found = [sample.snapshot.clock.wall for sample in samples(str(tmp_path))]
    assert found == sorted({*(seen.clock.wall for seen in (*calm, *ring)), MIDNIGHT + 560})


def test_a_torn_member_costs_only_itself_and_is_told(tmp_path: Path) -> None:
    record(tmp_path, NIGHT[:50])
    with file_of(tmp_path, 0).open("r+b") as torn:
        torn.truncate(file_of(tmp_path, 0).stat().st_size - 30)
    record(tmp_path, NIGHT[50:60])
    found, told = read(tmp_path)
    assert found[-10:] == NIGHT[50:60] and 40 < len(found) < 60
    assert len(told) == 1 and re.search(r"T00\.jsonl\.gz: the part from 20.* at byte 0: it was cut off", told[0])


def test_what_is_being_written_is_read_to_its_last_line_and_nothing_is_wrong_with_it(tmp_path: Path) -> None:
    record(tmp_path, NIGHT[:50])
    with file_of(tmp_path, 0).open("r+b") as current:
        current.truncate(file_of(tmp_path, 0).stat().st_size - 10)  # no trailer yet
    assert read(tmp_path) == (NIGHT[:50], [])


def test_a_clock_that_was_set_is_told_and_samples_stay_in_the_order_they_were_taken(tmp_path: Path) -> None:
    night = [*NIGHT[:30], *[at(MIDNIGHT + 10 * count, set_by=-7200.0) for count in range(30, 60)]]
    record(tmp_path, night, member_seconds=100.0)
    found, told = read(tmp_path)
    assert found == night and len(told) == 1
    assert "the clock was set back by 2h" in told[0]


def test_every_boot_is_read_in_its_own_order(tmp_path: Path) -> None:
    first = [at(MIDNIGHT + 10 * count, boot="first") for count in range(5)]
    second = [at(MIDNIGHT + 100 + 10 * count, boot="second") for count in range(5)]
    second = [Snapshot(clock=type(seen.clock)(seen.clock.wall, seen.clock.boottime - 80_000.0), boot_id="second")
              for seen in second]
    record(tmp_path, [*first, *second])
    assert read(tmp_path) == ([*first, *second], [])


def test_a_part_of_a_newer_release_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    record(tmp_path, NIGHT[:3])
    newer = encode(None, NIGHT[3]).replace(b'"v":1', b'"v":9')
    with file_of(tmp_path, 0).open("ab") as file:
        file.write(gzip.compress(newer + encode(NIGHT[3], NIGHT[4]) * 3))
    record(tmp_path, NIGHT[5:8])
    found, told = read(tmp_path)
    assert found == [*NIGHT[:3], *NIGHT[5:8]]
    assert len(told) == 1 and "version 9" in told[0] and "newer release" in told[0]


def test_a_damaged_line_costs_the_changes_up_to_the_next_keyframe(tmp_path: Path) -> None:
    lines = [encode(None, NIGHT[0]), encode(NIGHT[0], NIGHT[1]), b'{"kind":"calm"}\n', encode(NIGHT[1], NIGHT[2]),
             encode(None, NIGHT[3]), encode(NIGHT[3], NIGHT[4])]
    (tmp_path / "cut.jsonl.gz").write_bytes(gzip.compress(b"".join(lines)))
    found, told = read(tmp_path / "cut.jsonl.gz")
    assert found == [NIGHT[0], NIGHT[1], NIGHT[3], NIGHT[4]]
    assert len(told) == 1 and "cannot be read" in told[0]


@pytest.mark.parametrize(("content", "words"), [
    (b"", "is empty"), (b"hello\n", "is not a recording"), (gzip.compress(b"hello\n", mtime=0), "cannot be read"),
    (os.urandom(5000), "is not a recording"), (gzip.compress(b'{"seq":1}\n', mtime=0), "cannot")],
    ids=["empty", "text", "another program's gzip", "noise", "gzip of JSON"])
def test_what_is_no_recording_is_told_in_words(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "f").write_bytes(content)
    found, told = read(tmp_path / "f")
    assert found == [] and len(told) == 1 and words in told[0]
    assert covered(str(tmp_path / "f")) is None


def test_what_cannot_be_opened_is_an_error_in_words(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read(tmp_path / "nothing")
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(UsageError, match="is not a file"):
        read(tmp_path / "fifo")


def test_an_empty_directory_has_nothing_and_says_so(tmp_path: Path) -> None:
    assert read(tmp_path) == ([], []) and covered(str(tmp_path)) is None


@pytest.mark.slow
def test_memory_stays_flat_however_long_the_recording_is(tmp_path: Path) -> None:
    def peak_kib(count: int) -> int:
        directory = tmp_path / str(count)
        directory.mkdir()
        crowd = [proc(pid, "idle") for pid in range(100, 300)]
        record(directory, [at(MIDNIGHT + 10 * number, *crowd, proc(11, "hog", rss=number)) for number in range(count)])
        program = ("import resource, sys\nfrom watchdog_oom.recorder.reading import samples\n"
                   "print(sum(1 for _ in samples(sys.argv[1])))\n"
                   "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n")
        done = subprocess.run([sys.executable, "-c", program, str(directory)], capture_output=True, check=True)
        number, peak = done.stdout.split()
        assert int(number) == count
        return int(peak)

    assert peak_kib(3000) < peak_kib(200) + 3000
