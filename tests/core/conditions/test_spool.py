"""Conditions on a spool."""

from __future__ import annotations

from typing import Any

import pytest

from tests.core.build import MIB, mib, percent, policy, snapshot, spool_state
from watchdog_oom.core.conditions.spool import SpoolIs
from watchdog_oom.core.model import SpoolState
from watchdog_oom.core.nouns import Size
from watchdog_oom.core.view import View
from watchdog_oom.lean_dataclasses import replace

STATE = spool_state(entries=2000, stale=1500, size_bytes=100 * MIB, oldest_seconds=7200.0, space_free_bytes=50 * MIB,
                    space_total_bytes=1000 * MIB, inodes_free=100, inodes_total=10_000)


def view(state: SpoolState | None) -> View:
    return View(snapshot(spools={"vscan": state} if state else {}), policy())


@pytest.mark.parametrize(("keys", "holds", "words"), [
    ({"entries_above": 1999}, True, "2000 entries (threshold 1999)"),
    ({"entries_above": 2000}, False, "2000 entries (threshold 2000)"),
    ({"size_above": mib(99)}, True, "100 MiB (threshold 99 MiB)"),
    ({"size_above": percent(10)}, False, "100 MiB (threshold 100 MiB)"),
    ({"oldest_above": 7199.0}, True, "the oldest entry is 2h old"),
    ({"oldest_above": 7200.0}, False, "threshold 2h"),
    ({"stale_above": 1499}, True, "1500 stale entries (threshold 1499)"),
    ({"stale_above": 1500}, False, "1500 stale entries (threshold 1500)"),
    ({"space_free_below": mib(51)}, True, "50 MiB free (threshold 51 MiB)"),
    ({"space_free_below": percent(5)}, False, "50 MiB free (threshold 50 MiB)"),
    ({"inodes_free_below": Size(amount_bytes=101)}, True, "100 inodes free (threshold 101)"),
    ({"inodes_free_below": percent(1)}, False, "100 inodes free (threshold 100)"),
    ({"entries_above": 1999, "oldest_above": 9000.0}, False, "2000 entries (threshold 1999), the oldest"),
    ({"entries_above": 1999, "oldest_above": 60.0}, True, "spool vscan: "),
])
def test_all_given_keys_are_compared_strictly_and_told(keys: dict[str, Any], holds: bool, words: str) -> None:
    finding = SpoolIs("vscan", **keys).find(view(STATE))
    assert finding.holds is holds and finding.known and words in finding.words


@pytest.mark.parametrize(("state", "words"), [
    (None, "has not been scanned yet"), (spool_state(problem="it is a symlink"), "it is a symlink")])
def test_a_spool_that_could_not_be_looked_at_is_not_known(state: SpoolState | None, words: str) -> None:
    finding = SpoolIs("vscan", space_free_below=mib(100), entries_above=0).find(view(state))
    assert not finding.holds and not finding.known and words in finding.words


def test_a_filesystem_that_does_not_count_inodes_never_runs_out_of_them() -> None:
    finding = SpoolIs("vscan", inodes_free_below=Size(amount_bytes=1000)).find(view(spool_state()))
    assert not finding.holds and "does not count inodes" in finding.words


@pytest.mark.parametrize(("keys", "holds", "known", "words"), [
    ({"entries_above": 1999}, True, True, "at least 2000 entries"), ({"entries_above": 2000}, False, False, "at least"),
    ({"size_above": mib(99)}, True, True, "at least 100 MiB"), ({"size_above": mib(100)}, False, False, "at least"),
    ({"oldest_above": 7199.0}, True, True, "at least 2h old"), ({"oldest_above": 7200.0}, False, False, "at least"),
    ({"space_free_below": mib(51)}, True, True, ": 50 MiB free"), ({"space_free_below": mib(50)}, False, True, ": 50"),
    ({"entries_above": 1999, "oldest_above": 9000.0}, False, False, "2 of 9 entries"),
    ({"entries_above": 3000, "space_free_below": mib(50)}, False, True, "2 of 9 entries"),
])
def test_a_scan_under_way_can_show_that_a_threshold_is_passed_and_never_that_it_is_not(
        keys: dict[str, Any], holds: bool, known: bool, words: str) -> None:
    state = replace(STATE, complete=False, finished=False, gaps="2 of 9 entries were looked at so far")
    finding = SpoolIs("vscan", **keys).find(view(state))
    assert (finding.holds, finding.known) == (holds, known)
    assert words in finding.words


def test_what_a_finished_scan_left_out_is_told_and_decides_nothing() -> None:
    state = replace(STATE, complete=False, gaps="not counted in full: x: it is deeper than can be looked at")
    finding = SpoolIs("vscan", oldest_above=7200.0).find(view(state))
    assert (finding.holds, finding.known) == (False, True)
    assert finding.words == ("spool vscan: the oldest entry is at least 2h old (threshold 2h) "
                             "(not counted in full: x: it is deeper than can be looked at)")
