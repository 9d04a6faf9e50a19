"""Who? The keys of a process noun, read one by one."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.build import noun, proc
from watchdog_oom.core.glob import glob_pattern
from watchdog_oom.core.matching import Fact, alive, living, missing_fact, names_target, own_keys_match
from watchdog_oom.core.model import NO_FACTS, Process
from watchdog_oom.core.nouns import Namespaces, ProcessNoun
from watchdog_oom.policy.build import build_policy

TEMPDIR = re.compile(r"--tempdir=\S+")
ALL = ProcessNoun("all", exe=(glob_pattern("/usr/bin/*", path=True),), user=("amavis", "0"),
                  comm=(glob_pattern("clam*"),), cmdline=(TEMPDIR,),
                  unit=(glob_pattern("amavis*.service"),))
MATCHING = proc(10, "clamscan", exe="/usr/bin/clamscan", user="amavis", uid=110, unit="amavis.service",
                cmdline="clamscan --tempdir=/tmp x", cmdline_has=frozenset({TEMPDIR}))


@pytest.mark.parametrize("change", [
    {"exe": "/usr/local/bin/clamscan"}, {"exe": None}, {"user": "root"}, {"user": None}, {"cmdline_has": frozenset()},
    {"unit": "cron.service"}, {"unit": None}])
def test_every_key_given_must_hold_and_what_could_not_be_read_does_not(change: dict[str, object]) -> None:
    assert own_keys_match(ALL, MATCHING)
    assert not own_keys_match(ALL, replace(MATCHING, facts=replace(MATCHING.facts, **change)))  # type: ignore[arg-type]


def test_the_name_must_match_in_full() -> None:
    assert not own_keys_match(noun("clam"), proc(10, "clamscan"))
    assert not own_keys_match(noun("scan"), proc(10, "clamscan"))
    assert own_keys_match(noun("a", comm="a) Z 1 ("), proc(10, "a) Z 1 ("))
    assert own_keys_match(noun("a", comm="x\udcff"), proc(10, "x\udcff"))


def test_a_list_means_any_of_its_values_and_a_user_may_be_a_number() -> None:
    either = replace(ALL, comm=(glob_pattern("x"), glob_pattern("clamscan")), user=("nobody", "110"))
    assert own_keys_match(either, MATCHING)
    assert own_keys_match(ALL, replace(MATCHING, facts=replace(MATCHING.facts, user="root", uid=0)))


def test_a_command_line_is_searched_and_the_others_are_not() -> None:
    assert own_keys_match(ProcessNoun("x", cmdline=(re.compile("never"), TEMPDIR)), MATCHING)
    assert not own_keys_match(noun("x", unit="amavis"), MATCHING)


@pytest.mark.parametrize("change", [{"kernel_thread": True}, {"state": "Z"}, {"state": "X"}])
def test_kernel_threads_and_the_dead_match_nothing(change: dict[str, object]) -> None:
    assert not own_keys_match(ProcessNoun("anybody"), replace(MATCHING, **change))  # type: ignore[arg-type]
    assert own_keys_match(ProcessNoun("anybody"), MATCHING)


@given(st.lists(st.builds(lambda state, threads, kernel: proc(1, state=state, threads=threads, kernel_thread=kernel),
                          st.sampled_from(["S", "R", "Z", "X", "D", "T", ""]), st.integers(0, 3), st.booleans())))
def test_all_the_living_are_those_who_are_alive_one_by_one(processes: list[Process]) -> None:
    assert living(processes) == tuple(process for process in processes if alive(process))


def test_facts_are_read_one_by_one_the_cheapest_first_and_only_while_they_can_decide() -> None:
    process = replace(MATCHING, facts=NO_FACTS)
    known: frozenset[Fact] = frozenset()
    asked: list[Fact] = []
    while (fact := missing_fact(ALL, process, known)) is not None:
        asked.append(fact)
        known |= {fact}
        value = "cmdline_has" if fact is Fact.CMDLINE else fact.value
        process = replace(process, facts=replace(process.facts, **{value: getattr(MATCHING.facts, value)}))
    assert asked == [Fact.EXE, Fact.USER, Fact.UNIT, Fact.HOST_NAMESPACES, Fact.EXE_MOUNTED, Fact.CMDLINE]
    assert missing_fact(ALL, replace(MATCHING, comm="bash"), frozenset()) is None
    assert missing_fact(ALL, replace(MATCHING, facts=NO_FACTS), frozenset({Fact.EXE})) is None
    assert missing_fact(noun("x"), proc(1, "x"), frozenset()) is Fact.HOST_NAMESPACES
    assert missing_fact(noun("x"), proc(1, "x"), frozenset({Fact.HOST_NAMESPACES})) is None
    assert missing_fact(replace(noun("x"), namespaces=Namespaces.ANY), proc(1, "x"), frozenset()) is None


def test_the_command_line_of_a_process_of_another_namespace_is_not_read() -> None:
    foreign = replace(MATCHING, facts=replace(MATCHING.facts, host_namespaces=False))
    known = frozenset({Fact.EXE, Fact.USER, Fact.UNIT, Fact.HOST_NAMESPACES})
    assert missing_fact(ALL, foreign, known) is None
    assert not own_keys_match(ALL, foreign)
    assert own_keys_match(replace(ALL, namespaces=Namespaces.ANY), foreign)


def test_a_command_line_is_missing_until_each_pattern_was_searched_for_or_one_is_found() -> None:
    other = re.compile("other")
    both = ProcessNoun("x", cmdline=(TEMPDIR, other))
    read = frozenset({Fact.CMDLINE, Fact.HOST_NAMESPACES})
    for has, lacks, wanted in ((set(), set(), True), (set(), {TEMPDIR}, True), ({other}, set(), False),
                               (set(), {TEMPDIR, other}, False)):
        process = proc(1, "x", cmdline="x", cmdline_has=frozenset(has), cmdline_lacks=frozenset(lacks))
        assert (missing_fact(both, process, read) is Fact.CMDLINE) is wanted
        assert own_keys_match(both, process) is bool(has)


def test_a_noun_names_its_target_by_name_or_executable_only() -> None:
    process = proc(1, "x", exe="/bin/x")
    assert names_target(noun("x"), process) and names_target(noun("x", exe="/bin/x"), process)
    assert not names_target(noun("x", user=("eve",)), process) and not names_target(noun("x", cmdline="x"), process)


@pytest.mark.parametrize(("key", "glob", "named"), [
    ("comm", "bash", True), ("comm", "php-fpm8.2", True), ("comm", "a*b", False), ("comm", "*", False),
    ("comm", "b?sh", False), ("comm", "[b]ash", False), ("exe", "/usr/bin/bash", True), ("exe", "/usr/**/bash", True),
    ("exe", "/usr/*/bash", True), ("exe", "/usr/**", False), ("exe", "/usr/bin/*", False),
    ("exe", "/usr/bin/b?sh", False),
    ("exe", "/usr/bin/[!x]ash", False), ("exe", "/usr/bin/ba*", False), ("exe", "/opt/a b+(c)/d[", True)])
def test_a_wildcard_is_no_name_unless_the_last_component_is_given(key: str, glob: str, named: bool) -> None:
    pattern = glob_pattern(glob, path=key == "exe")
    shown = "/opt/a b+(c)/d[" if glob.endswith("d[") else "/usr/bin/bash"
    process = proc(1, glob if named else "bash", exe=shown)
    by = ProcessNoun("x", comm=(pattern,)) if key == "comm" else ProcessNoun("x", exe=(pattern,))
    assert names_target(by, process) is named


def test_of_several_patterns_the_one_that_matches_must_give_the_name() -> None:
    either = ProcessNoun("x", comm=(glob_pattern("clamscan"), glob_pattern("*")))
    assert names_target(either, proc(1, "clamscan"))
    assert not names_target(either, proc(1, "bash"))


@pytest.mark.parametrize(("glob", "matches"), [
    ("user@1000.service/worker.service", True), ("user@*.service/work*.service", True), ("user@1000.service", True),
    ("worker.service", False), ("*worker.service", False), ("*", True), ("user@1001.service/worker.service", False)])
def test_a_unit_of_a_users_own_manager_matches_only_with_that_manager_in_front(glob: str, matches: bool) -> None:
    noun = build_policy({"process": {"worker": {"unit": (glob,)}}}).processes["worker"]
    worker = proc(10, "worker", unit="user@1000.service", user_unit="user@1000.service/worker.service")
    assert own_keys_match(noun, worker) is matches
