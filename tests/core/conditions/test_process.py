"""Conditions on the processes of a noun."""

from __future__ import annotations

from typing import Any

import pytest

from tests.core.build import mib, noun, percent, policy, proc, snapshot
from watchdog_oom.core.conditions.process import ProcessesAre
from watchdog_oom.core.memory import Sharing
from watchdog_oom.core.model import Process
from watchdog_oom.core.view import View

GROUP = (proc(10, "scan", rss=300, age=60.0), proc(11, "scan", rss=200, age=3000.0),
         proc(12, "other", rss=900, age=9000.0))


def view(*processes: Process, **rest: Any) -> View:
    return View(snapshot(*processes, **rest), policy(noun("scan")))


@pytest.mark.parametrize(("keys", "holds", "words"), [
    ({"count_above": 1}, True, "2 processes match scan (threshold 1)"),
    ({"count_above": 2}, False, "2 processes match scan (threshold 2)"),
    ({"total_rss_above": mib(499)}, True, "2 processes of scan hold 500 MiB (threshold 499 MiB)"),
    ({"total_rss_above": mib(500)}, False, "2 processes of scan hold 500 MiB (threshold 500 MiB)"),
    ({"total_rss_above": percent(48)}, True, "2 processes of scan hold 500 MiB (threshold 492 MiB)"),
    ({"rss_above": mib(299)}, True, "scan[10] holds 300 MiB (threshold 299 MiB)"),
    ({"rss_above": mib(300)}, False, "of 2 processes of scan none is above; the oldest: scan[11] holds 200 MiB"),
    ({"rss_above": percent(29)}, True, "scan[10] holds 300 MiB (threshold 297 MiB)"),
    ({"rss_above": mib(100)}, True, "scan[11] holds 200 MiB (threshold 100 MiB), and 1 more"),
    ({"runtime_above": 2999.0}, True, "scan[11] has run for 50min (threshold 49min59s)"),
    ({"runtime_above": 3000.0}, False, "none is above"),
])
def test_each_key_compares_strictly_and_says_what_it_measured(keys: dict[str, Any], holds: bool, words: str) -> None:
    finding = ProcessesAre("scan", **keys).find(view(*GROUP))
    assert finding.holds is holds and words in finding.words


def test_keys_about_one_process_must_hold_for_the_same_one() -> None:
    """The big one is young and the old one is small: that is not a big old one."""
    both = ProcessesAre("scan", rss_above=mib(250), runtime_above=1000.0)
    assert not both.find(view(*GROUP)).holds
    finding = both.find(view(proc(13, "scan", rss=260, age=1001.0), *GROUP))
    assert finding.holds
    assert finding.words == "scan[13] holds 260 MiB (threshold 250 MiB) and has run for 16min41s (threshold 16min40s)"


def test_keys_about_the_group_are_added_to_those_about_one() -> None:
    assert not ProcessesAre("scan", count_above=2, runtime_above=1000.0).find(view(*GROUP)).holds
    assert ProcessesAre("scan", count_above=1, runtime_above=1000.0).find(view(*GROUP)).holds


def test_nobody_matching_is_said() -> None:
    finding = ProcessesAre("scan", runtime_above=0.0).find(view())
    assert not finding.holds and finding.known and finding.words == "no process matches scan"


@pytest.mark.parametrize("keys", [{"rss_above": percent(1)}, {"total_rss_above": percent(1)}])
def test_a_percentage_is_not_known_without_a_reading_of_memory(keys: dict[str, Any]) -> None:
    finding = ProcessesAre("scan", **keys).find(view(*GROUP, memory=None))
    assert not finding.holds and not finding.known
    decided = ProcessesAre("scan", count_above=5, **keys).find(view(*GROUP, memory=None))
    assert decided.known and not decided.holds, "another key decides"


def test_sizes_in_bytes_need_no_reading_of_memory() -> None:
    assert ProcessesAre("scan", rss_above=mib(250), total_rss_above=mib(400)).find(view(*GROUP, memory=None)).holds


def test_a_hostile_name_is_made_safe_to_print() -> None:
    rules = policy(noun("scan", comm="a) Z 1 (\n"))
    finding = ProcessesAre("scan", runtime_above=1.0).find(View(snapshot(proc(10, "a) Z 1 (\n")), rules))
    assert finding.holds and finding.words.startswith("a) Z 1 (\\n[10] has run")


def test_a_count_that_is_too_small_is_not_known_while_the_use_of_spools_is_not() -> None:
    rules = policy(noun("scan", under=("vscan",)))
    used = proc(10, "scan", under=frozenset({"vscan"}))
    unknown = proc(11, "scan", under=None)
    finding = ProcessesAre("scan", count_above=1).find(View(snapshot(used, unknown), rules))
    assert (finding.holds, finding.known) == (False, False)
    assert finding.words.endswith(", it is not known yet whether some other processes match")
    assert ProcessesAre("scan", count_above=0).find(View(snapshot(used, unknown), rules)).holds
    assert ProcessesAre("scan", count_above=1).find(View(snapshot(used), rules)).known


def test_memory_that_is_shared_counts_once_in_the_total() -> None:
    pool = [proc(20 + at, "scan", rss=202, sharing=Sharing(24 << 20)) for at in range(9)]
    finding = ProcessesAre("scan", total_rss_above=mib(215)).find(view(*pool))
    assert finding.holds and finding.words == (
        "9 processes of scan hold 216 MiB together, shared pages counted once (threshold 215 MiB)")
    assert not ProcessesAre("scan", total_rss_above=mib(216)).find(view(*pool)).holds


def test_a_total_is_not_known_while_shares_are_awaited() -> None:
    pool = [proc(20 + at, "scan", rss=202, sharing=Sharing(awaited=True)) for at in range(2)]
    finding = ProcessesAre("scan", total_rss_above=mib(215)).find(view(*pool))
    assert not finding.holds and not finding.known and "not known yet" in finding.words
    assert ProcessesAre("scan", total_rss_above=mib(404)).find(view(*pool)).known, "it cannot be more than one by one"
