from __future__ import annotations

import os
import subprocess
import tempfile
import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.core.model import Clock
from watchdog_oom.host.spools.survey import (
    FILES_A_SLICE,
    TOO_DEEP,
    TOO_MUCH,
    VANISHED,
    Tally,
    Terms,
    exhaust,
    survey,
)

DAY = 86400


def look(base: Path, name: str, terms: Terms) -> Tally:
    tally = Tally(terms)
    fd = os.open(base, os.O_RDONLY)
    try:
        exhaust(survey(fd, name, tally, terms))
    finally:
        os.close(fd)
    return tally


def test_an_entry_is_as_young_as_the_youngest_thing_deep_inside(tmp_path: Path, spool_tomorrow: Clock) -> None:
    deep = tmp_path / "entry" / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "file").touch()
    assert look(tmp_path, "entry", Terms(spool_tomorrow)).youngest_seconds == pytest.approx(DAY, abs=30)
    os.utime(deep / "file", (0, spool_tomorrow.wall - 100))
    os.utime(deep, (0, 0))
    tally = look(tmp_path, "entry", Terms(spool_tomorrow))
    assert tally.youngest_seconds == pytest.approx(100, abs=1)
    assert tally.inodes == 4


def test_a_file_with_an_old_mtime_is_as_young_as_its_ctime(tmp_path: Path, spool_tomorrow: Clock) -> None:
    (tmp_path / "file").touch()
    os.utime(tmp_path / "file", (0, 0))
    assert look(tmp_path, "file", Terms(spool_tomorrow)).youngest_seconds == pytest.approx(DAY, abs=30)


@given(st.lists(st.integers(-10 * DAY, 10 * DAY), min_size=1, max_size=12),
       st.lists(st.integers(-5 * DAY, 5 * DAY), max_size=3))
def test_the_age_is_that_of_the_youngest_stamp_by_any_clock_of_this_boot(stamps: list[int], jumps: list[int]) -> None:
    now, boottime = 1_700_000_000.0, 5000.0
    clock = Clock(now, boottime, offsets=tuple(now - boottime + jump for jump in jumps))
    tally = Tally(Terms(clock))
    for stamp in stamps:
        tally.add(os.stat_result((0o100644, 1, 1, 1, 0, 0, 0, 0, int(now) + stamp, 0, 0.0, now + stamp, 0.0, 0,
                                  (int(now) + stamp) * 10**9, 0), {"st_blocks": 0}))
    assert tally.youngest_seconds == pytest.approx(min(clock.age_of_stamp(now + stamp) for stamp in stamps), abs=1e-3)


def test_a_change_of_a_file_deep_inside_that_keeps_its_mtime_makes_the_entry_young(
        tmp_path: Path, spool_tomorrow: Clock) -> None:
    (tmp_path / "entry").mkdir()
    file = tmp_path / "entry" / "file"
    file.touch()
    made = file.stat().st_ctime
    while file.stat().st_ctime <= made:
        file.chmod(0o600)
    expected = spool_tomorrow.age_of_stamp(file.stat().st_ctime_ns / 1e9)
    assert look(tmp_path, "entry", Terms(spool_tomorrow)).youngest_seconds == expected


def test_a_clock_that_jumped_a_year_ahead_makes_nothing_old(tmp_path: Path) -> None:
    (tmp_path / "entry").mkdir()
    boottime = time.clock_gettime(time.CLOCK_BOOTTIME)
    offset = time.time() - boottime
    jumped = Clock(time.time() + 365 * DAY, boottime, offsets=(offset, offset + 365 * DAY))
    assert look(tmp_path, "entry", Terms(jumped)).youngest_seconds < 60


def test_symlinks_devices_and_the_entries_of_others_are_not_ours_to_touch(
        tmp_path: Path, spool_tomorrow: Clock) -> None:
    (tmp_path / "link").symlink_to("/etc")
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "theirs").mkdir()
    terms = Terms(spool_tomorrow, owner_uid=os.geteuid() + 1)
    assert look(tmp_path, "link", terms).obstacle == "it is a symbolic link"
    assert look(tmp_path, "fifo", terms).obstacle == "it is neither a file nor a directory"
    assert look(tmp_path, "theirs", terms).obstacle == f"it belongs to user {os.geteuid()}"
    assert look(tmp_path, "none", terms).obstacle == VANISHED


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_foreign_directory_or_a_mount_deep_inside_makes_the_whole_entry_stay(
        spool_base: Path, spool_tomorrow: Clock) -> None:
    for name in ("foreign", "mounted"):
        (spool_base / name / "a" / "b").mkdir(parents=True)
    os.chown(spool_base / "foreign" / "a" / "b", 4321, 4321)
    mount = spool_base / "mounted" / "a" / "b"
    subprocess.run(["mount", "--bind", str(spool_base / "foreign"), str(mount)], check=True)
    terms = Terms(spool_tomorrow, owner_uid=0)
    assert look(spool_base, "foreign", terms).obstacle == "it holds a directory of user 4321"
    assert look(spool_base, "mounted", terms).obstacle == "something is mounted inside"


def test_a_symlink_inside_is_counted_and_not_followed(tmp_path: Path, spool_tomorrow: Clock) -> None:
    (tmp_path / "entry").mkdir()
    (tmp_path / "entry" / "link").symlink_to("/usr")
    tally = look(tmp_path, "entry", Terms(spool_tomorrow, os.geteuid()))
    assert (tally.inodes, tally.obstacle) == (2, None)


def test_an_entry_is_busy_when_an_inode_in_it_is_used_under_whatever_name(
        tmp_path: Path, spool_tomorrow: Clock) -> None:
    (tmp_path / "entry" / "a").mkdir(parents=True)
    (tmp_path / "entry" / "a" / "file").touch()
    os.link(tmp_path / "entry" / "a" / "file", tmp_path / "elsewhere")
    found = (tmp_path / "elsewhere").stat()
    assert look(tmp_path, "entry", Terms(spool_tomorrow, used=frozenset([found.st_ino]))).busy
    assert not look(tmp_path, "entry", Terms(spool_tomorrow, used=frozenset([found.st_ino + 1 << 40]))).busy


def test_a_big_entry_is_walked_in_slices(tmp_path: Path, spool_tomorrow: Clock) -> None:
    (tmp_path / "entry").mkdir()
    for number in range(FILES_A_SLICE * 3):
        (tmp_path / "entry" / str(number)).touch()
    terms = Terms(spool_tomorrow)
    tally = Tally(terms)
    fd = os.open(tmp_path, os.O_RDONLY)
    assert len(list(survey(fd, "entry", tally, terms))) >= 3
    os.close(fd)
    assert tally.inodes == FILES_A_SLICE * 3 + 1


def test_a_wide_directory_is_walked_while_it_is_listed_so_that_its_names_are_not_held() -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
        for number in range(3_000):
            os.makedirs(f"{directory}/entry/{number:0200d}")
        tracemalloc.start()
        tally = look(Path(directory), "entry", Terms(Clock(time.time(), 5000.0)))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert (tally.inodes, tally.obstacle) == (3_001, None)
    assert most < 300_000


@pytest.mark.parametrize(("levels", "inodes", "obstacle"), [
    (3, None, None), (2, None, TOO_DEEP), (None, 4, None), (None, 3, TOO_MUCH)])
def test_an_entry_beyond_the_given_bounds_is_given_up(
        tmp_path: Path, spool_tomorrow: Clock, levels: int | None, inodes: int | None, obstacle: str | None) -> None:
    (tmp_path / "entry" / "a" / "b").mkdir(parents=True)
    (tmp_path / "entry" / "file").touch()
    terms = Terms(spool_tomorrow, most_levels=levels, most_inodes=inodes)
    assert look(tmp_path, "entry", terms).obstacle == obstacle


def test_a_survey_given_up_half_way_leaves_nothing_open(tmp_path: Path, spool_tomorrow: Clock) -> None:
    (tmp_path / "entry" / "a" / "b").mkdir(parents=True)
    fd = os.open(tmp_path, os.O_RDONLY)
    before = len(os.listdir("/proc/self/fd"))
    terms = Terms(spool_tomorrow)
    walk = survey(fd, "entry", Tally(terms), terms)
    for _ in range(3):
        next(walk)
    assert len(os.listdir("/proc/self/fd")) > before
    walk.close()  # type: ignore[attr-defined]
    assert len(os.listdir("/proc/self/fd")) == before
    os.close(fd)
