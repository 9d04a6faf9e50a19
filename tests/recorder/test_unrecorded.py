"""What a recording lacks for a policy is said by the rule that would need it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from tests.core.build import mib, noun, policy, proc, snapshot, spool_state, step, when
from watchdog_oom.core.conditions.process import ProcessesAre
from watchdog_oom.core.conditions.service import ServiceIs
from watchdog_oom.core.conditions.spool import SpoolIs
from watchdog_oom.core.memory import Sharing
from watchdog_oom.core.model import Process, Snapshot
from watchdog_oom.core.nouns import Namespaces, ProcessNoun, ServiceNoun, SpoolNoun
from watchdog_oom.core.policy import Clean, Emergency, Limit, Policy, Protect, Recover, Verb
from watchdog_oom.core.view import View
from watchdog_oom.recorder.unrecorded import Unrecorded

ANYWHERE = {"namespaces": Namespaces.ANY}


def lacks(rules: Policy, snapshots: Iterable[Snapshot], gap: float = 1.0) -> list[tuple[str, str]]:
    found = Unrecorded(rules)
    for seen in snapshots:
        found.look(View(seen, rules))
    return list(found.words(gap))


@pytest.mark.parametrize(("wanted", "known", "what"), [
    (noun("x", exe="/bin/x", **ANYWHERE), {"exe": "/y"}, "the executable of idle[7], who may be x, was not recorded"),
    (noun("x", user=("u",), **ANYWHERE), {"uid": 0}, "the user of idle[7], who may be x, was not recorded"),
    (noun("x", unit="u", **ANYWHERE), {"unit": "v"}, "the unit of idle[7], who may be x, was not recorded"),
    (noun("x", cmdline="u", **ANYWHERE), {"comm": "kept"}, "what the policy looks for in the command line of idle[7]"),
    (noun("x", comm="idle"), {"host_namespaces": True}, "whether they are of a container of idle[7]"),
])
def test_a_fact_that_decides_is_missed_by_name_and_rule(wanted: ProcessNoun, known: dict[str, Any], what: str) -> None:
    rules = policy(wanted, Limit("l", "x", rss=mib(1)))
    found = lacks(rules, [snapshot(proc(7))])
    assert [rule for rule, _ in found] == ["limit.l"] and found[0][1].startswith(what)
    if "comm" not in known:
        assert lacks(rules, [snapshot(proc(7, **known))]) == []


def test_a_fact_that_decides_nothing_is_not_missed() -> None:
    rules = policy(noun("x", comm="x", exe="/bin/x"), Limit("l", "x", rss=mib(1)))
    kernel = replace(proc(8, "x"), kernel_thread=True)
    assert lacks(rules, [snapshot(proc(7, "other"), kernel)]) == []
    unused = policy(noun("x", exe="/bin/x"))
    assert lacks(unused, [snapshot(proc(7))]) == []


def test_of_many_a_few_are_named_and_the_rest_counted() -> None:
    rules = policy(noun("x", exe="/bin/x"), Limit("l", "x", rss=mib(1)))
    crowd = snapshot(*(proc(pid) for pid in range(7, 20)))
    words = lacks(rules, [crowd, crowd])[0][1]
    assert "idle[7], idle[8], idle[9] and 10 others, who may be x" in words


def test_an_answer_that_was_outstanding_is_waited_for() -> None:
    rules = policy(noun("x", user=("u",), **ANYWHERE), Limit("l", "x", rss=mib(1)))
    young = proc(7)
    young = replace(young, facts=replace(young.facts, asked=frozenset({"user"})))
    assert lacks(rules, [snapshot(young), snapshot(proc(7, uid=5, user="v"))]) == []


def test_every_rule_that_asks_about_a_noun_is_told_by_parents_and_exceptions_as_well() -> None:
    rules = policy(noun("p", exe="/bin/p", **ANYWHERE), noun("c", comm="c", parent=("p",), **ANYWHERE),
                   noun("o", comm="c", excepted=("p",), **ANYWHERE), Limit("l", "c", rss=mib(1)), Protect("g", "o"),
                   Recover("r", (when(ProcessesAre("o", count_above=1)),), (step(Verb.KILL, "c"),)),
                   Emergency(prefer=("p",)))
    assert sorted(rule for rule, _ in lacks(rules, [snapshot(proc(7))])) == [
        "emergency", "limit.l", "protect.g", "recover.r"]


def test_swap_and_shares_of_a_limit() -> None:
    rules = policy(noun("x", comm="x", **ANYWHERE), Limit("s", "x", swap=mib(1)), Limit("t", "x", total_rss=mib(10)))
    def seen(*processes: Process) -> list[tuple[str, str]]:
        return lacks(rules, [snapshot(*processes)])
    assert seen(proc(7, "x", rss=8), proc(8, "x", rss=8)) == [
        ("limit.s", "what processes of x had in swap was not recorded"),
        ("limit.t", "what processes of x share was not recorded, so each counts alone")]
    known: dict[str, Any] = {"swap_bytes": 0, "sharing": Sharing(1)}
    assert seen(proc(7, "x", rss=8, **known), proc(8, "x", rss=8, **known)) == []


def test_what_a_clause_never_knew_and_a_spool_that_was_never_scanned() -> None:
    rules = policy(ServiceNoun("s", "s.service"), SpoolNoun("v", "/v", ("*",), 1.0), Clean("c", "v"),
                   Recover("r", (when(ServiceIs("s", failed=True), SpoolIs("v", stale_above=1)),),
                           (step(Verb.STOP, "s"),)))
    assert lacks(rules, [snapshot()]) == [
        ("recover.r", "never known in the recording: the state of s is not known yet"),
        ("recover.r", "never known in the recording: spool v has not been scanned yet"),
        ("clean.c", "never known in the recording: spool v was not scanned")]
    later = snapshot(spools={"v": spool_state()})
    assert lacks(rules, [snapshot(), later, snapshot()]) == [
        ("recover.r", "never known in the recording: the state of s is not known yet")]


def test_the_use_of_spools_that_nobody_asked_for() -> None:
    rules = policy(SpoolNoun("v", "/v", ("*",), 1.0), noun("x", comm="x", under=("v",), **ANYWHERE),
                   Limit("l", "x", rss=mib(1)))
    assert lacks(rules, [snapshot(proc(7, "x"))]) == [
        ("limit.l", "no use of v was recorded, so nothing matches x")]
    assert lacks(rules, [snapshot(proc(7, "x", under=frozenset({"v"})))]) == []


def test_a_time_that_is_shorter_than_the_samples_are_apart() -> None:
    rules = policy(noun("x", comm="x", **ANYWHERE), Limit("five", "x", rss=mib(1), for_seconds=5.0),
                   Limit("ten", "x", rss=mib(1), for_seconds=10.0), Limit("once", "x", rss=mib(1)))
    found = lacks(rules, [snapshot()], gap=10.0)
    words = ('for = "5s" is shorter than the 10s between two samples: what lasted so long may show in one of them, '
             "or in none")
    assert found == [("limit.five", words)]
    assert lacks(rules, [], gap=10.0) == []
