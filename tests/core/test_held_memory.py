"""What processes hold together: shared pages once, as far as it can be known; and never more or less than can be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.build import MIB, proc
from watchdog_oom.core.held_memory import together
from watchdog_oom.core.memory import Sharing
from watchdog_oom.core.model import Process

COUNTED_ONCE = "shared pages counted once"


def pool(number: int, sharing: Sharing | None, *, rss: int = 202) -> list[Process]:
    return [proc(10 + index, "pool", rss=rss, sharing=sharing) for index in range(number)]


def members() -> st.SearchStrategy[list[Process]]:
    amounts = st.none() | st.integers(0, 2000).map(lambda mib: mib * MIB)
    sharing = st.none() | st.builds(Sharing, amounts, amounts, st.booleans())
    return st.lists(st.tuples(st.integers(0, 1000), sharing), max_size=8).map(
        lambda found: [proc(10 + at, rss=rss, sharing=known) for at, (rss, known) in enumerate(found)])


@given(members(), st.integers(0, 4000))
def test_it_is_never_more_than_all_hold_one_by_one_and_never_less_than_the_largest(
        processes: list[Process], above: int) -> None:
    sizes = [process.rss_bytes for process in processes]
    assert max(sizes, default=0) <= together(processes, above * MIB).bytes <= sum(sizes)


@given(members(), st.data())
def test_whoever_goes_never_makes_it_more(processes: list[Process], data: st.DataObject) -> None:
    if processes:
        rest = [process for process in processes if process is not data.draw(st.sampled_from(processes))]
        assert together(rest, 0.0).bytes <= together(processes, 0.0).bytes


@given(st.integers(2, 40), st.integers(0, 500), st.integers(0, 20))
def test_a_mapping_that_all_share_counts_once_whether_shares_are_known_or_not(
        number: int, shared: int, own: int) -> None:
    exact = shared + number * own
    known = together(pool(number, Sharing(own * MIB + shared * MIB // number), rss=shared + own), 0.0)
    assert known.how in (COUNTED_ONCE, "") and abs(known.bytes - exact * MIB) <= number
    estimated = together(pool(number, Sharing(None, own * MIB), rss=shared + own), 0.0)
    assert estimated.bytes == exact * MIB


def test_what_is_within_the_threshold_one_by_one_is_told_as_it_is() -> None:
    processes = pool(9, Sharing(24 * MIB))
    assert together(processes, 9 * 202 * MIB).words == "hold 1.8 GiB"
    assert together(processes, 9 * 202 * MIB - 1).words == "hold 216 MiB together, shared pages counted once"


@pytest.mark.parametrize("sharing", [None, Sharing(24 * MIB)])
def test_one_alone_holds_what_it_holds_whoever_else_shares_it(sharing: Sharing | None) -> None:
    assert together(pool(1, sharing), 0.0).words == "hold 202 MiB"


def test_what_is_shared_with_others_outside_the_group_counts_in_full() -> None:
    assert together(pool(2, Sharing(5 * MIB)), 0.0).bytes == 202 * MIB


def test_while_one_share_is_awaited_it_is_not_known() -> None:
    held = together([*pool(3, Sharing(24 * MIB)), proc(20, rss=1, sharing=Sharing(awaited=True))], 0.0)
    assert not held.known and held.words == ("hold 607 MiB together, each counted alone: what they share is not known "
                                             "yet")


def test_without_shares_the_words_say_how_it_was_estimated_and_what_forks_do_to_that() -> None:
    assert together(pool(9, Sharing(None, 2 * MIB)), 0.0).words == (
        "hold 218 MiB together, estimated by anonymous memory, where what forks share counts for each of them, and the "
        "largest shared part")
    forked = together(pool(9, Sharing(None, 201 * MIB)), 0.0)
    assert forked.bytes == (9 * 201 + 1) * MIB, "too much, and the words say so"


def test_one_of_whom_nothing_is_known_spoils_nothing() -> None:
    """Nine that share since a fork: eight answered. Nine that share a mapping: eight answered."""
    forked = [*pool(8, Sharing(24 * MIB, 202 * MIB)), proc(30, rss=202, sharing=Sharing(None, 202 * MIB))]
    assert together(forked, 0.0).bytes == (8 * 24 + 202) * MIB
    assert "estimated for 1 of them by" in together(forked, 0.0).words
    mapped = [*pool(8, Sharing(24 * MIB, 2 * MIB)), proc(30, rss=202, sharing=Sharing(None, 2 * MIB))]
    assert together(mapped, 0.0).bytes == 218 * MIB


def test_a_kernel_that_tells_nothing_of_it_leaves_the_plain_sum_and_the_words_say_so() -> None:
    held = together(pool(3, Sharing()), 0.0)
    assert held.known and held.words == "hold 606 MiB together, each counted alone: what they share could not be read"
