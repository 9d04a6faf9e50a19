"""The files of the recorder: written as they come, read back as they were, and never into the last of the space."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from tests.core.build import proc
from watchdog_oom.core.model import Clock, Snapshot
from watchdog_oom.daemon.flight.backlog import Recorded
from watchdog_oom.daemon.flight.recording import Recording
from watchdog_oom.recorder.reading import samples
from watchdog_oom.recorder.sample import SampleKind

WALL = 1_800_000_000.0
WEEK = 7 * 86400.0


def at(second: float, **parts: object) -> Snapshot:
    found = Snapshot(Clock(WALL + second, second), boot_id="b", processes={1: proc(1, f"x{second}")})
    return replace(found, **parts)  # type: ignore[arg-type]


def recorded(snapshot: Snapshot, *, keyframe: bool = False, dropped: int = 0) -> Recorded:
    return Recorded(snapshot, SampleKind.CALM, keyframe, dropped)


def recording(directory: Path) -> Recording:
    return Recording(str(directory), size_bytes=1 << 20, keep_seconds=WEEK)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 4
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def read(directory: Path) -> list[Snapshot]:
    return [sample.snapshot for sample in samples(str(directory / "flight")) if not sample.repeated]


def test_what_is_written_can_be_read_at_once_and_after_a_kill_without_an_end(tmp_path: Path) -> None:
    ours = recording(tmp_path)
    night = [at(second) for second in range(0, 50, 10)]
    for number, snapshot in enumerate(night, 1):
        ours.write(recorded(snapshot))
        assert read(tmp_path) == night[:number]
    assert ours.last_wall == WALL + 40 and ours.lost == 0 and ours.problem == ""


def test_a_keyframe_comes_first_at_each_opening_every_ten_minutes_and_in_every_hour(tmp_path: Path) -> None:
    ours = recording(tmp_path)
    for second in range(0, 3700, 100):
        ours.write(recorded(at(second), keyframe=second == 200))
    ours.close()
    found = [sample.snapshot.clock.boottime for sample in samples(str(tmp_path / "flight")) if sample.keyframe]
    assert found == [0, 200, 800, 1400, 2000, 2600, 3200, 3600]
    assert len(list((tmp_path / "flight").iterdir())) == 2


def test_only_root_can_read_it(tmp_path: Path) -> None:
    os.umask(0o022)
    recording(tmp_path).write(recorded(at(1)))
    assert (tmp_path / "flight").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "flight").iterdir()} == {0o600}


@pytest.mark.parametrize("kind", ["open", "link", "file"])
def test_a_directory_that_others_could_read_or_have_put_there_is_not_used(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "flight"
    if kind == "link":
        (tmp_path / "elsewhere").mkdir(0o700)
        place.symlink_to(tmp_path / "elsewhere")
    elif kind == "file":
        place.touch()
    else:
        place.mkdir(0o700)
        place.chmod(0o755)
    ours = recording(tmp_path)
    ours.write(recorded(at(1)))
    assert ours.lost == 1 and str(place) in ours.problem
    assert not (tmp_path / "elsewhere").exists() or not list((tmp_path / "elsewhere").iterdir())


def test_texts_belong_to_the_sample_before_them(tmp_path: Path) -> None:
    ours = recording(tmp_path)
    ours.add({"meminfo": "too early"}, 0.5)
    ours.write(recorded(at(1)))
    texts = {"meminfo": "MemTotal: 1 kB\n", "7/status": "Name:\ta\udcff\n"}
    ours.add(texts, 1.25)
    ours.write(recorded(at(2)))
    found = list(samples(str(tmp_path / "flight")))
    assert [sample.extra for sample in found] == [{}, texts, {}]
    assert found[1].read_boottime == 1.25 and found[1].snapshot == at(1)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_disk_that_fills_up_costs_samples_and_keeps_room_for_others(
        tmp_path: Path, small_disk: Callable[..., Path]) -> None:
    filler = small_disk(tmp_path / "log", "16m")
    ours = recording(tmp_path / "log")
    ours.write(recorded(at(0)))
    with suppress(OSError):
        filler.write_bytes(b"x" * (14 << 20))
    for second in (10, 20):
        ours.write(recorded(at(second)))
    assert ours.lost == 2 and "leaves the last" in ours.problem
    with suppress(OSError):
        filler.write_bytes(b"x" * (32 << 20))
    ours.write(recorded(at(30)))
    assert ours.lost == 3
    assert read(tmp_path / "log") == [at(0)]
    filler.unlink()
    ours.write(recorded(at(40), dropped=1))
    assert ours.problem == "" and ours.lost == 3
    found = list(samples(str(tmp_path / "log" / "flight")))
    assert [(sample.snapshot, sample.dropped, sample.keyframe) for sample in found] == [
        (at(0), 0, True), (at(40), 4, True)]


def test_of_a_daemon_that_was_killed_the_rest_is_written_before_another_begins(tmp_path: Path) -> None:
    first = recording(tmp_path)
    child = os.fork()
    if child == 0:
        os.close(first._lock)
        recording(tmp_path).write(recorded(at(100)))
        os._exit(0)
    try:
        until(lambda: any("->" in line and str(child) in line.split()
                          for line in Path("/proc/locks").read_text().splitlines()))
        first.write(recorded(at(1)))
        first.close()
        os.close(first._lock)
        until(lambda: os.waitpid(child, os.WNOHANG)[0] == child)
    except AssertionError:
        os.kill(child, signal.SIGKILL)
        raise
    assert read(tmp_path) == [at(1), at(100)]
