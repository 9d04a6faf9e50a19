"""One snapshot through one policy: matches, ancestors, the protected."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.core.build import noun, policy, proc, snapshot
from watchdog_oom.core.model import ProcessId
from watchdog_oom.core.nouns import ProcessNoun
from watchdog_oom.core.policy import Protect
from watchdog_oom.core.view import View


def test_the_matching_come_oldest_first() -> None:
    starts = {10: 30, 11: 10, 12: 20, 9: 20}
    view = View(snapshot(*(proc(pid, "x", start=start) for pid, start in starts.items())), policy(noun("x")))
    assert [process.pid for process in view.matching("x")] == [11, 9, 12, 10]


def test_a_parent_may_be_any_ancestor_but_not_the_process_itself() -> None:
    rules = policy(noun("amavisd"), noun("scan", parent=("amavisd", "nobody")), noun("nobody"),
                   noun("self", comm="amavisd", parent=("amavisd",)))
    view = View(snapshot(proc(10, "amavisd", ppid=1), proc(11, "sh", ppid=10), proc(12, "clamscan", ppid=11),
                         proc(13, "clamscan", ppid=1)), rules)
    assert {process.pid for process in view.matching("scan")} == {11, 12}
    assert view.matching("self") == ()


def test_parents_that_name_each_other_match_nothing_and_end() -> None:
    rules = policy(noun("a", parent=("b",)), noun("b", parent=("a",)))
    view = View(snapshot(proc(10), proc(11, ppid=10)), rules)
    assert view.matching("a") == view.matching("b") == ()


def test_whose_use_of_spools_is_not_known_yet_neither_matches_nor_is_settled() -> None:
    rules = policy(noun("x", under=("vscan",)), noun("y"))
    unknown, out = proc(10, under=None), proc(11)
    for processes, undecided in (((unknown, out), True), ((out,), False)):
        view = View(snapshot(*processes), rules)
        assert view.matching("x") == ()
        assert view.undecided("x") is undecided
        assert not view.undecided("y")
    assert not View(snapshot(proc(12, "other", under=None)), policy(noun("x", comm="z", under=("s",)))).undecided("x")


def test_under_means_any_of_the_spools_in_which_the_process_was_seen() -> None:
    rules = policy(noun("x", under=("vscan", "other")))
    view = View(snapshot(proc(10, under=frozenset({"vscan"})), proc(11, under=frozenset({"mail"})), proc(12)), rules)
    assert [process.pid for process in view.matching("x")] == [10]


def test_ancestors_end_at_the_edge_of_what_is_known() -> None:
    view = View(snapshot(proc(10, ppid=9), proc(11, ppid=10), proc(12, ppid=11)), policy())
    assert [process.pid for process in view.ancestors(view.snapshot.processes[12])] == [11, 10]


@given(parents=st.lists(st.integers(1, 12), min_size=12, max_size=12))
def test_ancestors_never_go_in_a_circle(parents: list[int]) -> None:
    view = View(snapshot(*(proc(pid, ppid=parent) for pid, parent in enumerate(parents, 1))), policy())
    for process in view.snapshot.processes.values():
        seen = [ancestor.pid for ancestor in view.ancestors(process)]
        assert len(seen) == len(set(seen)) and process.pid not in seen


def test_the_protected_are_known_by_identity_with_the_table_that_protects_them() -> None:
    rules = policy(noun("db"), noun("web"), Protect("database", "db"))
    view = View(snapshot(proc(10, "db", start=5), proc(11, "web")), rules)
    assert view.protected == {ProcessId(10, 5): "database"}


def test_a_process_that_is_not_in_the_snapshot_can_be_matched_too() -> None:
    view = View(snapshot(proc(10, "safe")), policy(noun("safe"), noun("db", comm="db", parent=("safe",))))
    fresh = proc(99, "db", ppid=10)
    assert view.matches(view.policy.processes["db"], fresh)
    assert not view.matches(view.policy.processes["db"], replace(fresh, ppid=1))


def test_now_is_the_moment_of_the_snapshot() -> None:
    assert View(snapshot(at=123.0), policy()).now == 123.0


def test_a_noun_without_keys_matches_every_living_process_of_user_space() -> None:
    view = View(snapshot(proc(10), proc(11, state="Z"), proc(12, kernel_thread=True)),
                policy(ProcessNoun("anybody")))
    assert [process.pid for process in view.matching("anybody")] == [10]


def test_who_may_be_excepted_does_not_match_yet_and_leaves_conditions_open() -> None:
    rules = policy(noun("all", comm="hog", excepted=("paying",)), noun("paying", user=("paul",)))
    asked = proc(10, "hog", uid=1000)
    asked = replace(asked, facts=replace(asked.facts, asked=frozenset({"user"})))
    view = View(snapshot(asked, proc(11, "hog", user="ken", uid=1001), proc(12, "hog", user="paul", uid=1002)), rules)
    assert [process.pid for process in view.matching("all")] == [11]
    assert view.undecided("all")
    everybody = view.snapshot.processes.values()
    assert [view.judge(view.noun("all"), process) for process in everybody] == [None, True, False]
    assert not View(snapshot(proc(12, "hog", user="paul", uid=1002)), rules).undecided("all")


def test_who_may_be_below_a_protected_parent_or_use_its_spool_may_be_protected() -> None:
    asked = proc(10, "shell", uid=1000)
    asked = replace(asked, facts=replace(asked.facts, asked=frozenset({"user"})))
    rules = policy(noun("owner", user=("paul",)), noun("kept", comm="job", parent=("owner",)), Protect("kept", "kept"))
    view = View(snapshot(asked, proc(11, "job", ppid=10), proc(12, "job", ppid=1)), rules)
    assert view.may_be_protected(view.snapshot.processes[11]) == "kept"
    assert view.may_be_protected(view.snapshot.processes[12]) is None
    spool = policy(noun("user", comm="job", under=("mail",)), Protect("user", "user"))
    view = View(snapshot(proc(11, "job", under=None), proc(12, "job")), spool)
    assert view.may_be_protected(view.snapshot.processes[11]) == "user"
    assert view.may_be_protected(view.snapshot.processes[12]) is None
