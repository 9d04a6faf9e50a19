"""Which nouns and rules are about one process, and why the others are not."""

from __future__ import annotations

import pytest

from tests.core.build import mib, noun, policy, proc, snapshot, step, when
from watchdog_oom.core.conditions.process import ProcessesAre
from watchdog_oom.core.model import Process
from watchdog_oom.core.nouns import ProcessNoun
from watchdog_oom.core.policy import Emergency, Limit, Protect, Recover, Then, Verb
from watchdog_oom.core.view import View
from watchdog_oom.explain.one_process import report_on, why_not


def reason(asked: ProcessNoun, process: Process, *others: ProcessNoun | Process) -> str | None:
    rules = policy(asked, *[other for other in others if isinstance(other, ProcessNoun)])
    seen = snapshot(process, *[other for other in others if isinstance(other, Process)])
    return why_not(View(seen, rules), asked, process)


SHELL = proc(7, "bash", exe="/bin/bash", user="anna", uid=1000, unit="a.service", host_namespaces=True, rss=50)


@pytest.mark.parametrize(("asked", "told"), [
    (noun("n", comm="bash"), None),
    (noun("n", comm="sh"), "its name is bash"),
    (noun("n", exe="/bin/sh"), "its exe is /bin/bash"),
    (noun("n", user=("root",)), "its user is anna"),
    (noun("n", unit="b.service"), "its unit is a.service"),
    (noun("n", comm="bash", cmdline="x"), "its cmdline has none of the patterns"),
    (noun("n", comm="bash", age_above_seconds=120.0), "it has run for 1min, no longer than 2min"),
    (noun("n", comm="bash", rss_above=mib(60)), "it holds 50 MiB, no more than 60 MiB"),
    (noun("n", comm="bash", under=("s",)), "as far as is known it does not work in s"),
    (noun("n", comm="bash", orphaned=False), "its parent has ended"),
    (noun("n", comm="sh", exe="/bin/sh"), "its name is bash"),  # what follows is not read
])
def test_the_first_key_that_does_not_match_is_told(asked: ProcessNoun, told: str | None) -> None:
    assert reason(asked, SHELL) == told


def test_other_processes_and_nouns_are_told() -> None:
    child = proc(8, "child", ppid=7)
    assert reason(noun("n", comm="child", parent=("p",)), child, noun("p", comm="bash"), SHELL) is None
    assert reason(noun("n", comm="child", parent=("p",)), child, noun("p", comm="zsh"), SHELL) == (
        "none of its ancestors is of p")
    assert reason(noun("n", comm="child", excepted=("p",)), child, noun("p", comm="child")) == (
        "it is of p, which is excepted")
    assert reason(noun("n", comm="zsh", parent=("n",)), child, SHELL) == (
        "it is not below one of them, and it is none itself: its name is child")
    assert reason(noun("n"), proc(9, "n", kernel_thread=True)) == "it is a kernel thread"
    assert reason(noun("n", comm="child"), proc(8, "child", host_namespaces=False)) == (
        'it runs in namespaces of its own (namespaces = "any" would let it match)')


def test_every_noun_that_does_not_match_has_a_reason_and_every_one_that_does_has_none() -> None:
    for asked in (noun("n", comm="bash"), noun("n", comm="x"), noun("n", comm="bash", orphaned=True)):
        view = View(snapshot(SHELL), policy(asked))
        assert (why_not(view, asked, SHELL) is None) is view.matches(asked, SHELL)


def test_rules_are_told_with_the_noun_by_which_they_are_about_it() -> None:
    rules = policy(noun("bash"), noun("zsh"), Protect("p", "zsh"), Limit("l", "bash", count=1, then=Then.FREEZE),
                   Recover("r", (when(ProcessesAre("zsh", count_above=0)),), (step(Verb.KILL, "zsh", "bash"),)),
                   Emergency(prefer=("bash",)))
    report = report_on(View(snapshot(SHELL), rules), SHELL)
    assert [(answer.rule, answer.noun, answer.words) for answer in report.rules] == [
        ("protect.p", None, "about zsh"), ("limit.l", "bash", "beyond the limit: freeze"),
        ("recover.r", "bash", "step kill zsh, bash"), ("recover.r", None, "about zsh"),
        ("emergency", "bash", "chosen before all others")]
    assert report.untouchable is None
    protected = policy(noun("bash"), Protect("p", "bash"))
    assert report_on(View(snapshot(SHELL), protected), SHELL).untouchable == "it is protected by protect.p"
