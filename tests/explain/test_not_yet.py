"""Whom age, size, parent and exceptions leave out, and how near they are."""

from __future__ import annotations

from dataclasses import replace

from tests.core.build import mib, noun, percent, policy, proc, snapshot
from watchdog_oom.core.model import Process
from watchdog_oom.core.nouns import ProcessNoun
from watchdog_oom.core.view import View
from watchdog_oom.explain.not_yet import not_yet_words


def words(*values: Process | ProcessNoun, readable: bool = True) -> list[str]:
    seen = snapshot(*[value for value in values if isinstance(value, Process)])
    rules = policy(*[value for value in values if isinstance(value, ProcessNoun)])
    return list(not_yet_words(View(seen if readable else replace(seen, memory=None), rules)))


def test_the_young_are_told_with_the_time_that_is_left_the_nearest_first() -> None:
    job = noun("job", comm="make", age_above_seconds=7200.0)
    assert words(job, proc(71, "make", age=6000.0), proc(72, "make", age=7000.0), proc(73, "make", age=9000.0)) == [
        "job leaves out 2 processes no older than 2h: make[72] for another 3min20s, make[71] for another 20min"]


def test_the_small_are_told_with_what_they_hold_and_no_more_than_three() -> None:
    job = noun("job", comm="make", rss_above=mib(100))
    assert words(job, *(proc(70 + number, "make", rss=number) for number in range(1, 6))) == [
        ("job leaves out 5 processes no larger than 100 MiB: make[75] holds 5 MiB, make[74] holds 4 MiB, "
         "make[73] holds 3 MiB and 2 more")]


def test_a_share_of_memory_that_is_not_known_is_told_as_that() -> None:
    job = noun("job", comm="make", rss_above=percent(10.0))
    assert words(job, proc(71, "make", rss=50), readable=False) == [
        ("job leaves out 1 process whose share of memory is not known, since memory could not be read: "
         "make[71] holds 50 MiB")]
    assert "no larger than" in words(job, proc(71, "make", rss=50))[0]


def test_those_with_a_parent_and_the_excepted_are_told_with_the_exception() -> None:
    rules = (noun("left", comm="browser", orphaned=True), noun("all", user=("guest",), excepted=("editor",)),
             noun("editor", comm="vi"))
    assert words(*rules, proc(70, "shell"), proc(71, "browser", ppid=70), proc(72, "vi", user="guest")) == [
        "left leaves out 1 process whose parent has not ended, as far as can be told: browser[71]",
        "all leaves out 1 process that it excepts: vi[72] (editor)"]


def test_a_noun_that_matches_all_it_could_tells_nothing() -> None:
    assert words(noun("job", comm="make", age_above_seconds=10.0), proc(71, "make"), proc(72, "other", age=1.0)) == []
