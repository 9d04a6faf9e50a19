from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from watchdog_oom.core.model import Clock, SpoolState
from watchdog_oom.core.nouns import SpoolNoun
from watchdog_oom.host.spools.names import TRASH_PREFIX
from watchdog_oom.host.spools.scanner import (
    DIRTY_RESCAN_SECONDS,
    LONGEST_REST_SECONDS,
    MOST_LEVELS,
    RESCAN_SECONDS,
    REST_FACTOR,
    RESURVEY_SECONDS,
    SOON_LEVELS,
    SpoolScanner,
)

MakeNoun = Callable[..., SpoolNoun]
DAY = 86400


def later(clock: Clock, seconds: float) -> Clock:
    return replace(clock, wall=clock.wall + seconds, boottime=clock.boottime + seconds)


def scan(scanner: SpoolScanner, clock: Clock) -> SpoolState:
    for _ in range(10_000):
        state = scanner.tick(clock, budget_seconds=10)
        if state is not None:
            return state
    raise AssertionError("the scan does not end")


def fill(spool: Path, entries: int, files: int = 3) -> None:
    for number in range(entries):
        (spool / f"amavis-{number}").mkdir()
        for name in range(files):
            (spool / f"amavis-{number}" / str(name)).write_bytes(b"x" * 5000)


def test_entries_are_counted_by_age_size_and_name(
        spool_base: Path, spool_noun: MakeNoun, spool_tomorrow: Clock) -> None:
    fill(spool_base, 5)
    os.mkdir(os.fsencode(spool_base) + b"/amavis-\xff")
    (spool_base / "amavis-file").touch()
    (spool_base / "amavis-link").symlink_to("/etc")
    (spool_base / "other").mkdir()
    (spool_base / (TRASH_PREFIX + "1.2")).mkdir()
    fresh = spool_base / "amavis-0" / "1"
    os.utime(fresh, (spool_tomorrow.wall, spool_tomorrow.wall))
    state = scan(SpoolScanner(spool_noun(spool_base, stale_after=3600)), spool_tomorrow)
    assert (state.entries, state.stale, state.complete, state.problem) == (8, 6, True, None)
    assert state.oldest_seconds == pytest.approx(DAY, abs=30)
    assert state.size_bytes >= 5 * 3 * 5000
    assert 0 < state.space_free_bytes <= state.space_total_bytes


def test_a_spool_that_cannot_be_used_is_a_problem_in_words(
        spool_base: Path, spool_noun: MakeNoun, spool_tomorrow: Clock) -> None:
    scanner = SpoolScanner(spool_noun(spool_base / "none"))
    assert scan(scanner, spool_tomorrow).problem == f"{spool_base}/none does not exist or cannot be reached"
    (spool_base / "none").symlink_to("/etc")
    assert "symbolic link" in str(scan(scanner, later(spool_tomorrow, RESCAN_SECONDS + 1)).problem)


def test_a_full_spool_is_scanned_in_slices_that_keep_to_their_budget(
        spool_base: Path, spool_noun: MakeNoun, spool_tomorrow: Clock) -> None:
    fill(spool_base, 30, files=60)
    scanner = SpoolScanner(spool_noun(spool_base))
    slices = 0
    slowest = 0.0
    while scanner.state is None:
        began = time.thread_time()
        scanner.tick(spool_tomorrow, budget_seconds=0.001)
        slowest = max(slowest, time.thread_time() - began)
        slices += 1
        assert slices < 1000
    assert slices > 3
    assert slowest < 0.05
    assert scanner.state.entries == 30


def test_a_scan_is_repeated_when_it_is_due_and_sooner_when_something_happened(
        spool_base: Path, spool_noun: MakeNoun, spool_tomorrow: Clock) -> None:
    scanner = SpoolScanner(spool_noun(spool_base))
    scan(scanner, spool_tomorrow)
    assert scanner.tick(later(spool_tomorrow, RESCAN_SECONDS - 1)) is None
    assert scanner.tick(later(spool_tomorrow, RESCAN_SECONDS + 1)) is not None
    scanner.mark_dirty()
    assert scanner.tick(later(spool_tomorrow, RESCAN_SECONDS + 1 + DIRTY_RESCAN_SECONDS / 2)) is None
    fill(spool_base, 2)
    state = scanner.tick(later(spool_tomorrow, RESCAN_SECONDS + 2 + DIRTY_RESCAN_SECONDS), budget_seconds=10)
    assert state is not None
    assert state.entries == 2


def test_a_jump_of_the_date_makes_nothing_stale(spool_base: Path, spool_noun: MakeNoun) -> None:
    fill(spool_base, 3)
    boottime = time.clock_gettime(time.CLOCK_BOOTTIME)
    offset = time.time() - boottime
    scanner = SpoolScanner(spool_noun(spool_base, stale_after=3600))
    assert scan(scanner, Clock(time.time(), boottime, offsets=(offset,))).stale == 0
    ahead = Clock(time.time() + 400 * DAY, boottime + 61, offsets=(offset, offset + 400 * DAY))
    state = scan(scanner, ahead)
    assert state.stale == 0
    assert state.oldest_seconds < 300
    assert scan(SpoolScanner(scanner.noun), ahead).stale == 0


def test_what_changes_deep_inside_is_seen_before_an_entry_is_called_stale_and_within_minutes(
        spool_base: Path, spool_noun: MakeNoun, spool_tomorrow: Clock) -> None:
    fill(spool_base, 1)
    scanner = SpoolScanner(spool_noun(spool_base, stale_after=DAY + 100))
    assert scan(scanner, spool_tomorrow).stale == 0
    os.utime(spool_base / "amavis-0" / "1", (spool_tomorrow.wall, spool_tomorrow.wall))
    assert scan(scanner, later(spool_tomorrow, 150)).stale == 0
    old = SpoolScanner(spool_noun(spool_base, stale_after=100))
    os.utime(spool_base / "amavis-0" / "1", (0, 0))
    assert scan(old, spool_tomorrow).stale == 1
    os.utime(spool_base / "amavis-0" / "1", (spool_tomorrow.wall + DAY, spool_tomorrow.wall + DAY))
    assert scan(old, later(spool_tomorrow, RESURVEY_SECONDS + 1)).stale == 0


def test_a_scan_again_does_not_walk_what_it_remembers(
        spool_base: Path, spool_noun: MakeNoun, spool_tomorrow: Clock) -> None:
    fill(spool_base, 20, files=50)
    scanner = SpoolScanner(spool_noun(spool_base))

    def cost(clock: Clock) -> float:
        began = time.thread_time()
        scan(scanner, clock)
        return time.thread_time() - began

    first = cost(spool_tomorrow)
    assert min(cost(later(spool_tomorrow, 61 * turn)) for turn in (1, 2, 3)) < first / 2


def test_a_scan_given_up_leaves_nothing_open(spool_base: Path, spool_noun: MakeNoun, spool_tomorrow: Clock) -> None:
    fill(spool_base, 10, files=50)
    before = len(os.listdir("/proc/self/fd"))
    scanner = SpoolScanner(spool_noun(spool_base))
    while scanner.partial().entries < 2:
        scanner.tick(spool_tomorrow, budget_seconds=0)
    assert scanner.scanning
    assert len(os.listdir("/proc/self/fd")) > before
    scanner.close()
    assert len(os.listdir("/proc/self/fd")) == before
    assert scan(scanner, spool_tomorrow).entries == 10


def test_a_spool_that_vanishes_during_a_scan_does_no_harm(
        spool_base: Path, spool_noun: MakeNoun, spool_tomorrow: Clock) -> None:
    fill(spool_base, 10, files=50)
    scanner = SpoolScanner(spool_noun(spool_base))
    scanner.tick(spool_tomorrow, budget_seconds=0)
    for entry in list(spool_base.iterdir())[:8]:
        for file in entry.iterdir():
            file.unlink()
        entry.rmdir()
    assert scan(scanner, spool_tomorrow).entries <= 10


def make_deep(base: Path, levels: int) -> None:
    here = os.open(base, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)


def test_how_many_entries_there_are_is_known_before_any_is_walked(
        spool_in_memory: Path, spool_noun: MakeNoun, spool_tomorrow: Clock) -> None:
    fill(spool_in_memory, 300, files=10)
    scanner = SpoolScanner(spool_noun(spool_in_memory))
    while (known := scanner.partial()).entries == 0 or "0 of" in str(known.gaps):
        scanner.tick(spool_tomorrow, budget_seconds=0)
    assert scanner.scanning and scanner.state is None
    assert known.entries == 300
    assert 0 < known.stale < 300
    assert (known.complete, known.finished) == (False, False)
    assert f"{known.stale} of 300 entries" in str(known.gaps)


def test_a_tree_that_is_too_deep_hides_no_other_entry_and_is_told(
        spool_in_memory: Path, spool_noun: MakeNoun, spool_tomorrow: Clock) -> None:
    (spool_in_memory / "amavis-a").mkdir()
    make_deep(spool_in_memory / "amavis-a", MOST_LEVELS + 10)
    fill(spool_in_memory, 3)
    scanner = SpoolScanner(spool_noun(spool_in_memory))
    state = scan(scanner, spool_tomorrow)
    assert (state.entries, state.stale, state.complete, state.finished) == (4, 3, False, True)
    assert state.gaps == "not counted in full: amavis-a: it is deeper than can be looked at"
    again = scan(scanner, later(spool_tomorrow, RESCAN_SECONDS + LONGEST_REST_SECONDS))
    assert replace(again, scanned_boottime=0, oldest_seconds=0, inodes_free=0, space_free_bytes=0) == replace(
        state, scanned_boottime=0, oldest_seconds=0, inodes_free=0, space_free_bytes=0)


def test_the_largest_entry_is_walked_last_and_in_full(
        spool_in_memory: Path, spool_noun: MakeNoun, spool_tomorrow: Clock) -> None:
    (spool_in_memory / "amavis-a").mkdir()
    make_deep(spool_in_memory / "amavis-a", SOON_LEVELS + 10)
    fill(spool_in_memory, 3)
    scanner = SpoolScanner(spool_noun(spool_in_memory))
    told = set()
    while scanner.state is None:
        scanner.tick(spool_tomorrow, budget_seconds=0)
        told.add(str(scanner.partial().gaps))
    assert "3 of 4 entries were looked at so far" in told
    assert (scanner.state.entries, scanner.state.stale, scanner.state.complete) == (4, 4, True)


def test_what_is_mounted_inside_is_counted_and_not_looked_at(
        spool_base: Path, spool_noun: MakeNoun, spool_tomorrow: Clock) -> None:
    fill(spool_base, 3)
    asked = []

    def mounts(path: str) -> frozenset[str]:
        asked.append(path)
        return frozenset({"amavis-1"})

    state = scan(SpoolScanner(spool_noun(spool_base), mounts), spool_tomorrow)
    assert (state.entries, state.stale, state.complete) == (3, 2, False)
    assert state.gaps == "not counted in full: amavis-1: something is mounted inside"
    assert set(asked) == {str(spool_base)}


def test_a_scan_is_dated_by_its_beginning(spool_base: Path, spool_noun: MakeNoun, spool_tomorrow: Clock) -> None:
    fill(spool_base, 10)
    scanner = SpoolScanner(spool_noun(spool_base))
    scanner.tick(spool_tomorrow, budget_seconds=0)
    assert scanner.scanning
    assert scan(scanner, later(spool_tomorrow, 5)).scanned_boottime == spool_tomorrow.boottime


def test_a_long_scan_is_followed_by_a_long_rest_that_has_a_bound(
        spool_base: Path, spool_noun: MakeNoun, spool_tomorrow: Clock) -> None:
    scanner = SpoolScanner(spool_noun(spool_base))
    scan(scanner, spool_tomorrow)
    scanner.mark_dirty()
    for cost_seconds, rest_seconds in ((0.01, DIRTY_RESCAN_SECONDS), (1.0, REST_FACTOR), (60.0, LONGEST_REST_SECONDS)):
        scanner.cost_seconds = cost_seconds
        assert scanner.due_seconds(spool_tomorrow.boottime) == pytest.approx(rest_seconds)
    scanner.rescan()
    assert scanner.due_seconds(spool_tomorrow.boottime) == 0
