"""A file of samples: read like the recorder's own, for root alone, never over another."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.recorder.nights import MIDNIGHT, at, record
from watchdog_oom.cli.record.cut import cut, new_file
from watchdog_oom.errors import UsageError
from watchdog_oom.recorder.reading import samples
from watchdog_oom.recorder.sample import Sample, SampleKind

NIGHT = [Sample(at(MIDNIGHT + 10 * count), SampleKind.NEAR) for count in range(200)]


def test_what_is_cut_out_comes_back_whole(tmp_path: Path) -> None:
    path = str(tmp_path / "night.jsonl.gz")
    night = [*NIGHT, Sample(NIGHT[-1].snapshot, SampleKind.BEFORE, extra={"meminfo": "x"}, read_boottime=5.0)]
    written = cut(iter(night), path)
    assert written is not None
    assert (written.samples, written.first, written.last) == (200, MIDNIGHT, MIDNIGHT + 1990)
    assert written.size_bytes == os.stat(path).st_size
    back = list(samples(path))
    assert [sample.snapshot for sample in back] == [sample.snapshot for sample in night]
    assert [sample.kind for sample in back] == [sample.kind for sample in night]
    assert sum(sample.keyframe for sample in back) == 4
    assert back[-1].extra == {"meminfo": "x"} and back[-1].repeated
    assert os.stat(path).st_mode & 0o777 == 0o600


def test_what_a_recording_says_of_itself_goes_with_it(tmp_path: Path) -> None:
    record(tmp_path, [sample.snapshot for sample in NIGHT])
    cut(samples(str(tmp_path), MIDNIGHT + 300), str(tmp_path / "cut"))
    assert {sample.about["host"] for sample in samples(str(tmp_path / "cut"))} == {"mail.example"}


def test_nothing_is_written_where_nothing_is(tmp_path: Path) -> None:
    assert cut(iter(()), str(tmp_path / "f")) is None
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten_and_no_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for name in ("there", "link"):
        with pytest.raises(UsageError, match="is there already"):
            cut(iter(NIGHT), str(tmp_path / name))
    assert (tmp_path / "there").read_text() == "mine" and not (tmp_path / "elsewhere").exists()
    with pytest.raises(UsageError, match="cannot be made"):
        new_file(str(tmp_path / "no" / "directory"))


def test_half_a_file_is_removed(tmp_path: Path) -> None:
    def broken() -> Iterator[Sample]:
        yield NIGHT[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cut(broken(), str(tmp_path / "f"))
    assert list(tmp_path.iterdir()) == []
