"""Whom an emergency takes: the preferred, then the largest, and nobody whose end would not help."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.core.build import MIB, noun, policy, proc, snapshot
from watchdog_oom.core.memory import Memory
from watchdog_oom.core.model import Process
from watchdog_oom.core.policy import Emergency
from watchdog_oom.core.rules.victims import Victims, badness, held
from watchdog_oom.core.view import View

GIB = 1024 * MIB
FULL_TMPFS = Memory(16 * GIB, 80 * MIB, 178 * MIB, 0, 0)


def test_the_kernels_own_score_decides_where_it_was_read_and_its_formula_where_not() -> None:
    told = proc(10, "told", rss=50, badness=900)
    big, adjusted = proc(11, "big", rss=300), proc(12, "adjusted", rss=100, oom_score_adj=400)
    total = (1024 + 512) << 20
    assert badness(told, total) == 900
    assert badness(big, total) == 195 and badness(adjusted, total) == 465
    assert badness(proc(13, rss=10, oom_score_adj=-500), total) == 0
    assert badness(big, 0) == 0
    view = View(snapshot(told, big, adjusted), policy())
    assert [process.comm for process in Victims(view).ranked()] == ["told", "adjusted", "big"]


def test_the_dead_kernel_threads_and_those_that_hold_nothing_are_no_candidates() -> None:
    none = snapshot(proc(10, "zombie", state="Z"), proc(11, "kswapd0", kernel_thread=True), proc(12, rss=0))
    assert Victims(View(none, policy())).ranked() == []


def test_whoever_holds_too_little_to_help_comes_last_whatever_the_kernel_thinks_of_it() -> None:
    small, big = proc(10, "small", rss=10, badness=900), proc(11, "big", rss=300, badness=1, oom_score_adj=-900)
    assert Victims(View(snapshot(small, big), policy())).ranked() == [big, small]


def test_one_whose_threads_cannot_be_read_is_ranked_by_the_kernels_score() -> None:
    hidden = proc(10, "hidden", state="Z", threads=2, rss=0, badness=1300)
    idle = proc(11, "idle", state="Z", threads=2, rss=0, badness=666)
    adjusted = proc(12, "adjusted", state="Z", threads=2, rss=0, badness=999, oom_score_adj=500)
    resident = proc(13, "resident", rss=300, badness=700)
    victims = Victims(View(snapshot(idle, resident, hidden, adjusted), policy()))
    assert victims.ranked() == [hidden, resident]
    assert [victims.reason_against(process) for process in (hidden, resident)] == [None, None]
    assert held(hidden) == "what it holds cannot be read"


def test_swap_counts_as_much_as_memory() -> None:
    swapped, resident = proc(10, "swapped", rss=1, swap_bytes=500 << 20), proc(11, "resident", rss=300)
    assert Victims(View(snapshot(swapped, resident), policy())).ranked()[0] is swapped


def test_one_that_is_wholly_in_swap_is_a_candidate_too() -> None:
    gone, resident = proc(10, "gone", rss=0, swap_bytes=500 * MIB), proc(11, "resident", rss=300)
    assert Victims(View(snapshot(resident, gone), policy())).ranked() == [gone, resident]


def test_what_it_holds_is_told_with_what_is_in_swap() -> None:
    assert held(proc(10, rss=300)) == "300 MiB"
    assert held(proc(10, rss=300, swap_bytes=14 * GIB)) == "300 MiB and 14 GiB in swap"


def test_the_processes_of_a_preferred_noun_go_first_for_what_they_hold_together() -> None:
    scans = [proc(10 + number, "scan", rss=4) for number in range(8)]
    big = proc(30, "big", rss=400)
    rules = policy(noun("scan"), replace(Emergency(), prefer=("scan",)))
    assert Victims(View(snapshot(*scans, big), rules)).ranked()[-1] is big
    assert Victims(View(snapshot(*scans[:2], big), rules)).ranked()[0] is big


def test_what_several_nouns_hold_is_not_added_up() -> None:
    one, other, big = proc(10, "one", rss=10), proc(11, "other", rss=10), proc(30, "big", rss=400)
    rules = policy(noun("one"), noun("other"), replace(Emergency(), prefer=("one", "other")))
    assert Victims(View(snapshot(one, other, big), rules)).ranked()[0] is big


def test_where_something_else_fills_the_memory_only_an_end_that_brings_enough_back_is_any_good() -> None:
    small, large = proc(10, "small", rss=60), proc(11, "large", rss=170)
    victims = Victims(View(snapshot(small, large, memory=FULL_TMPFS), replace(policy(), emergency=Emergency())))
    assert victims.reason_against(large) is None
    reason = victims.reason_against(small)
    assert reason is not None and "would not help: 84 MiB are missing" in reason


def test_of_the_preferred_that_too_is_judged_together() -> None:
    scans = [proc(10 + number, "scan", rss=60) for number in range(3)]
    rules = policy(noun("scan"), replace(Emergency(), prefer=("scan",)))
    victims = Victims(View(snapshot(*scans, memory=FULL_TMPFS), rules))
    assert [victims.reason_against(scan) for scan in scans] == [None] * 3


_processes = st.lists(st.builds(
    lambda pid, rss, swap, score, comm: proc(pid, comm, rss=rss, swap_bytes=swap * MIB, badness=score),
    st.integers(2, 500), st.integers(0, 600), st.integers(0, 600), st.integers(0, 1000),
    st.sampled_from(["scan", "db", "x"])), unique_by=lambda process: process.pid, max_size=20)


@given(_processes)
def test_everybody_who_holds_something_is_ranked_once_and_the_preferred_that_help_come_first(
        processes: list[Process]) -> None:
    rules = policy(noun("scan"), replace(Emergency(), prefer=("scan",)))
    victims = Victims(View(snapshot(*processes), rules))
    ranked = victims.ranked()
    assert sorted(p.pid for p in ranked) == sorted(p.pid for p in processes if p.rss_bytes + (p.swap_bytes or 0))
    together = sum(p.rss_bytes + (p.swap_bytes or 0) for p in ranked if p.comm == "scan")
    scans = [p for p in ranked if p.comm == "scan"]
    if together >= victims.least_bytes:
        assert ranked[:len(scans)] == scans
