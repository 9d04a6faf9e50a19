"""The sentences, and what they must not claim."""

from __future__ import annotations

import pytest

from tests.kernel_log.made import GIB, event, kill, task
from watchdog_oom.kernel_log.gfp import request_of
from watchdog_oom.kernel_log.holders import holders
from watchdog_oom.kernel_log.model import Event, Invoker
from watchdog_oom.kernel_log.shortage import Short, Shortage
from watchdog_oom.kernel_log.words import HEADLINES, asked, died, event_words, held_by, was_short


def held(one: Event) -> str:
    return held_by(one, holders(one))


def test_who_asked_is_told_with_how_much_and_for_what() -> None:
    one = event(order=2, comm="sed")
    assert asked(one, request_of(one)) == ("sed[7] asked for 16 kB (order 2) of memory of a process or of the page "
                                           "cache (GFP_HIGHUSER_MOVABLE|__GFP_COMP).")
    large = event(page_bytes=65536)
    assert "64 kB (order 0)" in asked(large, request_of(large))
    hand = event(order=-1)
    assert asked(hand, request_of(hand)) == "Somebody asked the kernel to kill a process (SysRq f)."
    nobody = event(invoker=None)
    assert asked(nobody, request_of(nobody)) == ""
    unnamed = event(invoker=Invoker(None, gfp_mask=0xD0), kernel="2.6.11")
    assert asked(unnamed, request_of(unnamed)) == "Somebody asked for memory for the kernel itself (GFP_KERNEL)."


def test_an_absurd_order_is_not_told() -> None:
    absurd = event(order=99_999_999)
    assert "order" not in asked(absurd, request_of(absurd))


def test_each_kind_has_its_headline() -> None:
    assert set(HEADLINES) == set(Short)
    both = (Shortage(Short.LOWMEM, ""), Shortage(Short.KERNEL_MEMORY, ""))
    assert was_short(event(), both) == "Low memory was used up, high memory was not; the kernel itself held the memory."


def test_what_is_missing_besides_does_not_deny_what_was_told() -> None:
    assert was_short(event(), (Shortage(Short.RAM_NO_SWAP, ""), Shortage(Short.NOT_TO_BE_TOLD, ""))) \
        == "RAM was used up, and there is no swap."


def test_what_a_program_stopped_in_time_was_not_used_up() -> None:
    one = event(constraint="userspace")
    assert was_short(one, (Shortage(Short.RAM_AND_SWAP, ""),)) == "RAM and swap were running out."


@pytest.mark.parametrize(("kernel", "says"), [
    ("2.6.9", "this kernel lists no processes (they do since 2.6.25)"),
    ("6.1.0", "the list of processes is not in the log (it is cut, or vm.oom_dump_tasks is 0)")])
def test_without_a_list_it_says_that_it_cannot_know_and_why(kernel: str, says: str) -> None:
    told = held(event(kernel=kernel, kills=(kill(1, "mysqld"),)))
    assert told == (f"Who held the memory cannot be known: {says}, so whoever held it is in no line, unless it was "
                    "killed.")


def test_what_the_victims_own_line_tells_of_it_is_told() -> None:
    assert held(event(kills=(kill(1, "a", 3), kill(2, "mysqld", 700)))).endswith(
        "mysqld[2] itself held 700 MiB when it was killed.")


def test_a_kill_by_hand_needs_no_holder() -> None:
    assert held(event(order=-1)) == ""


def test_processes_that_hold_only_a_little_are_not_made_the_cause() -> None:
    told = held(event(tasks=(task(1, "sshd", 5), task(2, "bash", 5))))
    assert told.startswith("All listed processes together hold 10 MiB, 1% of RAM: the memory is not theirs. Of 2 ")
    assert "not theirs" not in held(event(tasks=(task(1, "java", 800),)))


def test_nobody_left_to_kill_is_no_missing_list() -> None:
    one = event(no_killable=True)
    assert held(one) == "There was no process that could be killed: no process held the memory."


def test_the_dead_are_named_once_and_many_are_counted() -> None:
    assert died(event(kills=(kill(1, "a"), kill(1, "a", again=True)))) == "Killed: a[1]."
    assert died(event(kills=tuple(kill(number, "a") for number in range(1, 12)))).endswith("a[8] and 3 more.")
    assert died(event()) == "No line tells who was killed."
    assert died(event(panic=True)) == ""


def test_hostile_names_never_reach_a_terminal() -> None:
    bad = "a\x1b]0;x\x07"
    one = event(comm=bad, kills=(kill(1, bad),), tasks=(task(1, bad, 900), task(2, "b" * 3, 1)), ram_bytes=GIB)
    told = event_words(one, request_of(one), (Shortage(Short.RAM_AND_SWAP, "numbers"),), holders(one))
    assert told.isprintable()
