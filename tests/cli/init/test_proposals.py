"""Limits from what is seen now: above it, round, and no more of the host than half."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.cli.init.hosts import MIB, memory, process
from watchdog_oom.cli.init.proposals import job_limit, rounded, rss_limit, seen_now
from watchdog_oom.policy.units import parse_size


def test_three_times_the_largest_but_never_very_little() -> None:
    assert rss_limit([process(5, "x", "/x", rss_mib=200)], memory(8192)) == (
        "640MiB", "three times the largest now, x[5] with 200 MiB")
    assert rss_limit([process(5, "x", "/x", rss_mib=10)], memory(8192))[0] == "256MiB"
    assert rss_limit([process(5, "x", "/x", rss_mib=4)], memory(478)) == (
        "128MiB", "the largest now, x[5], holds 4 MiB")


def test_no_more_than_half_of_the_ram_unless_it_holds_nearly_that_now() -> None:
    assert rss_limit([process(5, "x", "/x", rss_mib=500)], memory(2048))[0] == "1GiB"
    assert rss_limit([process(5, "x", "/x", rss_mib=1000)], memory(2048))[0] == "1536MiB"


@given(st.lists(st.integers(0, 1 << 40), min_size=1, max_size=5), st.integers(0, 1 << 40))
def test_a_limit_is_never_below_what_is_held_now(held: list[int], total: int) -> None:
    processes = [process(number, "x", "/x", rss_mib=rss / MIB) for number, rss in enumerate(held, 2)]
    limit = parse_size(rss_limit(processes, memory(total // MIB, 0))[0])[1]
    assert limit >= max(one.rss_bytes for one in processes)


@given(st.floats(0, 1 << 50))
def test_a_round_size_is_not_below_the_amount(amount: float) -> None:
    assert parse_size(rounded(amount))[1] >= int(amount)


def test_a_job_gets_what_is_known_to_be_enough_where_the_host_has_it() -> None:
    assert job_limit("2GiB", memory(8192)) == "2GiB"
    assert job_limit("2GiB", memory(512)) == "60%"
    assert job_limit("30%", memory(512)) == "30%"


def test_what_is_seen_now_is_told() -> None:
    assert seen_now([]) == "none runs now"
    assert seen_now([process(5, "x", "/x", rss_mib=8)]) == "now 1 process of 8 MiB"
    assert seen_now([process(5, "x", "/x"), process(6, "x", "/x", rss_mib=16)]) == (
        "now 2 processes of 24 MiB together, the largest 16 MiB")
