"""The kernel's own kills: who it was, as last seen alive."""

from __future__ import annotations

import pytest

from tests.core.build import NOW, noun, policy, proc, snapshot
from watchdog_oom.core.conditions.kernel import KernelOomKill
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
