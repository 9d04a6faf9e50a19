"""A recorded snapshot as a daemon with another policy would have read it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from tests.core.build import noun, policy, proc, service_state
from tests.recorder.nights import MIDNIGHT, at
from watchdog_oom.core.outcome import EffectReport, Outcome
from watchdog_oom.recorder.as_read import AsRead, Patterns

MRTG = re.compile("mrtg")
RULES = policy(noun("mrtg", cmdline="mrtg"))
WRITTEN = proc(20, "perl", cmdline="perl /usr/bin/mrtg", cmdline_lacks=frozenset({re.compile("amavis")}))


class Searcher:
    """Counts, and finds what is there."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int | None]] = []

    def __call__(self, patterns: Patterns, text: str, uid: int | None) -> Mapping[re.Pattern[str], bool]:
        self.asked.append((text, uid))
        return {pattern: pattern.search(text) is not None for pattern in patterns}


def test_a_command_line_is_searched_once_for_what_nobody_looked_for() -> None:
    search = Searcher()
    read = AsRead(RULES, search)
    for second in range(3):
        seen = read.snapshot(at(MIDNIGHT + second, WRITTEN, proc(21, "perl"), replace(WRITTEN, state="R")))
        assert seen.processes[20].facts.cmdline_has == {MRTG}
        assert seen.processes[20].facts.cmdline_lacks == {re.compile("amavis")}
    assert search.asked == [("perl /usr/bin/mrtg", None)]


def test_what_is_known_of_a_command_line_is_not_searched_again() -> None:
    search = Searcher()
    known = proc(20, "perl", cmdline="perl x", cmdline_lacks=frozenset({MRTG}))
    assert AsRead(RULES, search).snapshot(at(MIDNIGHT, known)).processes[20] == known
    assert search.asked == []


def test_what_is_not_in_a_shortened_command_line_may_have_been_in_the_rest() -> None:
    cut = proc(20, "perl", cmdline="perl … x")
    asked = replace(cut, facts=replace(cut.facts, asked=frozenset({"cmdline"})))
    facts = AsRead(RULES, Searcher()).snapshot(at(MIDNIGHT, asked)).processes[20].facts
    assert not facts.cmdline_has and not facts.cmdline_lacks and facts.asked == {"cmdline"}
    whole = replace(asked, facts=replace(asked.facts, cmdline="perl x"))
    facts = AsRead(RULES, Searcher()).snapshot(at(MIDNIGHT, whole)).processes[20].facts
    assert facts.cmdline_lacks == {MRTG} and not facts.asked


def test_a_pattern_whose_search_was_ended_is_neither_found_nor_missing() -> None:
    facts = AsRead(RULES, lambda *_: {}).snapshot(at(MIDNIGHT, WRITTEN)).processes[20].facts
    assert MRTG not in facts.cmdline_has | facts.cmdline_lacks


def test_a_score_that_nobody_asked_for_is_taken_and_known_to_be_taken() -> None:
    read = AsRead(RULES, Searcher())
    unasked, asked = replace(proc(20), oom_score_adj=None), replace(proc(21), oom_score_adj=-7)
    seen = read.snapshot(at(MIDNIGHT, unasked, asked))
    assert [process.oom_score_adj for process in seen.processes.values()] == [0, -7]
    assert read.assumed_score(unasked.id) and not read.assumed_score(asked.id)
    assert not read.assumed_score(proc(20, start=1).id)


def test_what_came_of_the_acts_of_that_night_is_left_out_and_services_are_fresh() -> None:
    report = EffectReport("i-1", Outcome(True, "sent"), None, 1.0)
    recorded = at(MIDNIGHT, reports=(report,), services={"s": service_state("s.service", at=1.0)})
    seen = AsRead(RULES, Searcher()).snapshot(recorded)
    assert seen.reports == () and seen.services["s"].sensed_boottime == recorded.clock.boottime
    assert seen.memory == recorded.memory and seen.clock == recorded.clock


def test_a_process_that_changes_is_read_anew() -> None:
    read = AsRead(RULES, Searcher())
    first = read.snapshot(at(MIDNIGHT, proc(20, rss=1))).processes[20]
    same = read.snapshot(at(MIDNIGHT + 1, proc(20, rss=2))).processes[20]
    assert (first.rss_bytes, same.rss_bytes) == (1 << 20, 2 << 20)
