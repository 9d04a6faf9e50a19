"""Policy lines: what they say, and that the loader of ``check`` accepts them, whatever processes call themselves."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.examples import at_most
from tests.kernel_log.made import GIB, MIB, event, kill, task
from watchdog_oom.core.policy import Policy, Then
from watchdog_oom.kernel_log.holders import holders
from watchdog_oom.kernel_log.model import ControlGroup, Event, GroupCounter
from watchdog_oom.kernel_log.policy_lines import policy_for
from watchdog_oom.policy.build import build_policy
from watchdog_oom.policy.load import load_policy


def lines(one: Event) -> str:
    return policy_for(one, holders(one))


def loaded(text: str, folder: Path) -> Policy:
    """As ``watchdog-oom check`` loads it: every fault raises."""
    path = folder / "advice.toml"
    path.write_text(text)
    return build_policy(load_policy((), [str(path)], check_ownership=False).ir)


def test_who_held_the_most_is_limited_and_an_innocent_victim_is_protected(tmp_path: Path) -> None:
    crowd = tuple(task(100 + number, "apache2", 8) for number in range(90))
    policy = loaded(lines(event(tasks=(task(2, "mysqld", 30), *crowd), kills=(kill(2, "mysqld", 30),))), tmp_path)
    assert policy.limits["apache2"].total_rss is not None
    assert policy.limits["apache2"].total_rss.percent == 49.0
    assert policy.protects["mysqld"].oom_score_adj == -500


def test_two_causes_share_what_both_may_have(tmp_path: Path) -> None:
    rows = (*(task(10 + number, "web", 50) for number in range(10)), task(5, "java", 500))
    policy = loaded(lines(event(tasks=rows)), tmp_path)
    web, java = policy.limits["web"].total_rss, policy.limits["java"].rss
    assert web is not None
    assert java is not None
    assert (web.percent, java.percent) == (30.0, 30.0)


def test_a_victim_that_is_the_cause_is_not_protected(tmp_path: Path) -> None:
    policy = loaded(lines(event(tasks=(task(2, "java", 900),), kills=(kill(2, "java", 900),))), tmp_path)
    assert not policy.protects
    assert policy.limits["java"].then is Then.KILL


def test_where_the_unit_is_known_it_is_contained(tmp_path: Path) -> None:
    group = ControlGroup(None, "/system.slice/tomcat9.service")
    one = event(tasks=(task(2, "java", 900),), kills=(kill(2, "java", 900),), cgroup=group)
    policy = loaded(lines(one), tmp_path)
    assert policy.limits["java"].then is Then.CONTAIN
    assert 'unit = "tomcat9.service"' in lines(one)


def test_in_a_container_the_limit_is_below_its_own_and_the_changing_name_is_a_pattern(tmp_path: Path) -> None:
    path = f"/kubepods.slice/kubepods-pod1.slice/cri-containerd-{'0af9' * 16}.scope"
    one = event(constraint="memcg", cgroup=ControlGroup("/kubepods.slice", path, (GroupCounter("memory", GIB, GIB),)),
                tasks=(task(2, "java", 900, uid=33),), kills=(kill(2, "java", 900),), zones=())
    assert 'unit = "cri-containerd-*.scope"' in lines(one)
    limit = loaded(lines(one), tmp_path).limits["java"].rss
    assert limit is not None
    assert limit.amount_bytes == 921 * MIB


def test_without_a_list_of_processes_the_emergency_is_what_is_left(tmp_path: Path) -> None:
    text = lines(event(kills=(kill(2, "mysqld"),)))
    assert "not known" in text
    assert loaded(text, tmp_path).emergency is not None
    assert lines(event(constraint="memcg")) == ""


@pytest.mark.parametrize("comm", ['a"\nb = 1', "\x1b[2J", "\udcff", "()", "é", ""])
def test_a_name_that_no_policy_can_have_gets_no_lines(comm: str) -> None:
    assert lines(event(tasks=(task(2, comm, 900),), kills=(kill(3, comm, 1),))) == ""


@pytest.mark.parametrize("comm", ["(sd-pam)", "tmux: server", "a*[b]?", 'x"y', "back\\slash", "any", "kworker/0:2",
                                  "runc:[2:INIT]"])
def test_a_strange_name_is_matched_as_it_stands(comm: str, tmp_path: Path) -> None:
    policy = loaded(lines(event(tasks=(task(2, comm, 900),))), tmp_path)
    (noun,) = policy.processes.values()
    assert noun.comm[0].fullmatch(comm)


def test_names_that_make_one_table_name_get_tables_of_their_own(tmp_path: Path) -> None:
    one = event(tasks=(task(2, "a b", 400), task(3, "a_b", 400)), kills=(kill(4, "a-b", 1),))
    policy = loaded(lines(one), tmp_path)
    assert sorted(policy.processes) == ["a_b", "a_b_2", "a_b_3"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=at_most(60))
@given(st.lists(st.tuples(st.text(max_size=15), st.integers(0, 900)), max_size=6), st.text(max_size=60))
def test_whatever_processes_and_groups_are_called_the_lines_load(tmp_path: Path, rows: list[tuple[str, int]],
                                                                path: str) -> None:
    tasks = tuple(task(number + 2, comm, mib) for number, (comm, mib) in enumerate(rows))
    kills = tuple(kill(one.pid, one.comm, 1) for one in tasks)
    text = lines(event(tasks=tasks, kills=kills, cgroup=ControlGroup(path, path)))
    if text:
        loaded(text, tmp_path)
