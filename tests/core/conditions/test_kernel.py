"""The kernel's own kills: who it was, as last seen alive."""

from __future__ import annotations

import pytest

from tests.core.build import NOW, noun, policy, proc, snapshot
from watchdog_oom.core.conditions.kernel import KernelOomKill, explained
from watchdog_oom.core.model import KernelKill, Process
from watchdog_oom.core.nouns import ProcessNoun
from watchdog_oom.core.view import View

PARENT = proc(50, "mysqld_safe")


def found(which: ProcessNoun | None, *kills: KernelKill) -> bool:
    nouns = (noun("mysqld_safe"), *([which] if which else []))
    view = View(snapshot(PARENT, kernel_kills=kills), policy(*nouns))
    return KernelOomKill(which.name if which else None).find(view).holds


def kill(comm: str, victim: Process | None = None) -> KernelKill:
    return KernelKill(100, comm, f"Killed process 100 ({comm})", NOW, victim=victim)


@pytest.mark.parametrize(("which", "victim", "expected"), [
    (noun("db", comm="mysqld"), proc(100, "mysqld"), True),
    (noun("db", comm="mysqld"), proc(100, "clamscan"), False),
    (noun("db", exe="/usr/sbin/mysqld"), proc(100, "mysqld", exe="/usr/sbin/mysqld"), True),
    (noun("db", exe="/usr/sbin/mysqld"), proc(100, "mysqld", exe="/tmp/mysqld"), False),
    (noun("db", parent=("mysqld_safe",)), proc(100, "mysqld", ppid=50), True),
    (noun("db", parent=("mysqld_safe",)), proc(100, "clamscan", ppid=1), False),
    (noun("db", under=("spool",)), proc(100, "scan", under=frozenset({"spool"})), True),
    (noun("db", under=("spool",)), proc(100, "scan"), False),
])
def test_the_victim_is_matched_as_it_was_last_seen(which: ProcessNoun, victim: Process, expected: bool) -> None:
    assert found(which, kill(victim.comm, victim)) is expected


def test_one_never_seen_alive_is_matched_by_its_name_in_the_kernels_line_only() -> None:
    assert found(noun("db", comm="mysqld"), kill("mysqld"))
    assert not found(noun("db", comm="mysqld"), kill("mysqld_safe"))
    assert not found(noun("db", exe="/usr/sbin/mysqld"), kill("mysqld"))


@pytest.mark.parametrize(("which", "uid", "unit", "expected"), [
    (noun("db", comm="mysqld", user=("root",)), 0, None, True),
    (noun("db", comm="mysqld", user=("root",)), 1001, None, False),
    (noun("db", comm="mysqld", user=("1001",)), 1001, None, True),
    (noun("db", comm="mysqld", user=("mysql",)), 106, None, True),
    (noun("db", comm="mysqld", user=("mysql",)), 1001, None, False),
    (noun("db", comm="mysqld", user=("mysql",)), None, None, False),
    (noun("db", comm="mysqld", unit="mariadb.service"), 106, "mariadb.service", True),
    (noun("db", comm="mysqld", unit="mariadb.service"), 106, "docker-1.scope", False),
    (noun("db", comm="mysqld", unit="mariadb.service"), 106, None, False),
    (noun("db", comm="mysqld", exe="/usr/sbin/mysqld"), 106, "mariadb.service", False),
])
def test_one_never_seen_must_match_all_keys_by_what_the_kernels_line_says(
        which: ProcessNoun, uid: int | None, unit: str | None, expected: bool) -> None:
    killed = KernelKill(100, "mysqld", "line", NOW, uid=uid, unit=unit)
    neighbour = proc(60, "mysqld", uid=106, user="mysql")
    view = View(snapshot(neighbour, kernel_kills=(killed,)), policy(which))
    assert KernelOomKill("db").find(view).holds is expected


@pytest.mark.parametrize(("told", "seen_in", "expected"), [
    ({"unit": "mariadb.service", "memcg": "/system.slice/mariadb.service"}, None, True),
    ({"unit": "docker-1.scope", "memcg": "/system.slice/docker-1.scope"}, "mariadb.service", False),
    ({"memcg": "/docker/1"}, None, False), ({"memcg": "/"}, None, True), ({}, None, True),
    ({}, "mariadb.service", True), ({}, "docker-1.scope", False)])
def test_a_death_explains_only_the_service_in_whose_control_group_it_was(
        told: dict[str, str], seen_in: str | None, expected: bool) -> None:
    killed = KernelKill(100, "mysqld", "line", NOW, victim=proc(100, "mysqld", unit=seen_in),
                        memcg=told.get("memcg"), unit=told.get("unit"))
    view = View(snapshot(kernel_kills=(killed,)), policy(noun("mysqld")))
    assert KernelOomKill("mysqld").find(view).holds
    assert explained(view, "mysqld", "mariadb.service") is expected


def test_any_process_will_do_and_no_kill_is_no_evidence() -> None:
    assert found(None, kill("whoever"))
    assert not found(None)


def test_a_hostile_name_is_made_safe_to_print() -> None:
    finding = KernelOomKill(None).find(View(snapshot(kernel_kills=(kill("a) \x1b[2J\udcff"),)), policy()))
    assert finding.words.isprintable() and "\\x1b" in finding.words


def test_a_rule_hears_the_kills_it_is_told_to_hear() -> None:
    view = View(snapshot(), policy())
    assert KernelOomKill(None).find(view.hearing((kill("x"),))).holds
    assert not KernelOomKill(None).find(view).holds
