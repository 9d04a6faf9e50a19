"""Warnings about nouns that decide already what a limit asks, and about protections that begin late."""

from __future__ import annotations

import pytest

from tests.core.build import mib, noun, percent, policy
from watchdog_oom.cli.check.lint_circumstances import circumstances
from watchdog_oom.core.nouns import Size
from watchdog_oom.core.policy import Limit, Protect


@pytest.mark.parametrize(("noun_size", "limit_size", "warned"), [
    (mib(100), mib(100), True), (mib(101), mib(100), True), (mib(99), mib(100), False),
    (percent(10.0), percent(10.0), True), (percent(10.0), mib(100), False)])
def test_a_noun_of_those_larger_than_the_limit_makes_it_superfluous(noun_size: Size, limit_size: Size,
                                                                   warned: bool) -> None:
    found = list(circumstances(policy(noun("p", rss_above=noun_size), Limit("l", "p", rss=limit_size))))
    assert [path for path, _ in found] == ([("limit", "l", "rss")] if warned else [])


def test_so_does_one_of_those_older_than_the_runtime() -> None:
    rules = policy(noun("p", age_above_seconds=60.0), Limit("l", "p", runtime_seconds=60.0),
                   Limit("m", "p", runtime_seconds=61.0))
    assert [(path, what) for path, what in circumstances(rules)] == [
        (("limit", "l", "runtime"), "each process of p is older already: its age_above is 1min")]


def test_a_protection_of_those_that_fare_in_some_way_begins_late() -> None:
    rules = policy(noun("p", age_above_seconds=60.0, orphaned=False), noun("q"), Protect("a", "p"), Protect("b", "q"))
    [(path, what)] = circumstances(rules)
    assert path == ("protect", "a", "process")
    assert what.startswith("p has age_above and orphaned: ")
