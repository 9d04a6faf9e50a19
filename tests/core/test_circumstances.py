"""Older, larger, orphaned: what a noun asks of how a process fares, and what is not known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.build import NOW, memory, mib, noun, percent, policy, proc, snapshot, step, when
from tests.core.world import World
from watchdog_oom.core import circumstances
from watchdog_oom.core.actions import SignalName
from watchdog_oom.core.conditions.process import ProcessesAre
from watchdog_oom.core.model import Process, ProcessId, Snapshot
from watchdog_oom.core.policy import Limit, Protect, Recover, Verb
from watchdog_oom.core.view import View

MANAGER = proc(50, "systemd", ppid=1, session=50)


def orphan(process: Process, *others: Process) -> bool | None:
    return circumstances.orphan(process, snapshot(process, *others))


def test_age_and_size_are_met_above_and_not_at_the_threshold() -> None:
    seen = snapshot(memory=memory(total=1024))
    at, above = proc(2, rss=512, age=60.0), proc(3, rss=513, age=60.1)
    for size in (mib(512), percent(50.0)):
        for asked in (noun("n", rss_above=size), noun("n", age_above_seconds=60.0)):
            assert circumstances.match(asked, at, seen) is False
            assert circumstances.match(asked, above, seen) is True


def test_a_share_of_memory_that_could_not_be_read_is_not_known_and_a_size_in_bytes_is() -> None:
    seen = replace(snapshot(), memory=None)
    assert circumstances.match(noun("n", rss_above=percent(1.0)), proc(2, rss=500), seen) is None
    assert circumstances.match(noun("n", rss_above=mib(1)), proc(2, rss=500), seen) is True
    young = noun("n", rss_above=percent(1.0), age_above_seconds=3600.0)
    assert circumstances.match(young, proc(2), seen) is False


def test_who_was_seen_to_change_its_parent_is_an_orphan_whoever_adopted_it() -> None:
    adopted = proc(60, ppid=70, session=60, reparented=True)
    assert orphan(adopted, proc(70, "subreaper")) is True
    seen = replace(snapshot(replace(adopted, reparented=False), proc(70)), reparented=frozenset({adopted.id}))
    assert circumstances.orphan(replace(adopted, reparented=False), seen) is True


@pytest.mark.parametrize(("ppid", "session", "unit", "expected"), [
    (1, 7, "cron.service", True),           # its parent led the session
    (1, 60, "cron.service", False),         # as systemd itself starts it
    (1, 60, None, False),
    (1, 60, "session-3.scope", True),       # systemd starts nothing in a scope
    (50, 7, "user@1000.service", True),
    (50, 60, "user@1000.service", False),
    (50, 60, "session-3.scope", True),
    (70, 7, "user@1000.service", False),    # a parent that lives
    (99, 7, None, None),                    # a parent that is not there: the next look will tell
    (0, 7, None, False)])
def test_who_hangs_on_init_or_a_users_manager_is_an_orphan_unless_it_may_have_been_started_by_it(
        ppid: int, session: int, unit: str | None, expected: bool | None) -> None:
    process = proc(60, ppid=ppid, session=session, unit=unit)
    assert orphan(process, MANAGER, proc(70, "shell")) is expected
    asked = {wanted: circumstances.match(noun("n", orphaned=wanted), process, snapshot(process, MANAGER, proc(70)))
             for wanted in (True, False)}
    assert asked[True] is expected
    assert asked[False] is (None if expected is None else not expected)


def test_a_process_called_systemd_that_init_did_not_start_adopts_nobody() -> None:
    assert orphan(proc(60, ppid=50, session=7), proc(50, "systemd", ppid=70, session=50), proc(70)) is False


def test_who_got_term_because_it_was_large_gets_the_kill_though_it_has_shrunk() -> None:
    world = World(policy(noun("large", comm="hog", rss_above=mib(100)),
                         Limit("old", "large", runtime_seconds=1.0, grace_seconds=5.0)))
    hog = world.spawn("hog", rss_mib=200, ignores_term=True)
    world.tick()
    hog.rss_mib = 10
    world.ticks(8)
    assert world.signals(hog) == [SignalName.TERM, SignalName.KILL]


def test_who_has_come_under_an_exception_since_the_term_is_spared_the_kill() -> None:
    world = World(policy(noun("all", comm="hog", excepted=("paying",)), noun("paying", unit="paid\\.service"),
                         Limit("old", "all", runtime_seconds=1.0, grace_seconds=5.0)))
    hog = world.spawn("hog", ignores_term=True, unit="free.service")
    world.tick()
    hog.facts = replace(hog.facts, unit="paid.service")
    world.ticks(8)
    assert world.signals(hog) == [SignalName.TERM]
    assert world.said("does not match it any more")


def test_without_a_reading_of_memory_the_time_of_a_limit_stands_still_and_does_not_begin_anew() -> None:
    world = World(policy(noun("large", comm="hog", rss_above=percent(10.0)),
                         Limit("old", "large", runtime_seconds=1.0, for_seconds=10.0)))
    hog = world.spawn("hog", rss_mib=300)
    world.ticks(8)
    world.memory_readable = False
    world.ticks(5)
    assert world.alive(hog)
    world.memory_readable = True
    world.ticks(4)
    assert not world.alive(hog)


def test_a_protection_that_may_be_about_a_process_keeps_it_while_memory_cannot_be_read() -> None:
    rules = policy(noun("large", comm="db", rss_above=percent(10.0)), Protect("large", "large"))
    view = View(replace(snapshot(proc(60, "db", rss=300), proc(61, "other")), memory=None), rules)
    assert view.may_be_protected(view.snapshot.processes[60]) == "large"
    assert view.may_be_protected(view.snapshot.processes[61]) is None


def test_an_orphan_is_remembered_over_a_crash_of_the_daemon_whoever_the_subreaper_is() -> None:
    world = World(policy(noun("left", comm="browser", orphaned=True), Limit("left", "left", runtime_seconds=90.0)))
    session, reaper = world.spawn("session"), world.spawn("reaper")
    browser = world.spawn("browser", ppid=session.pid, age=60.0, session=session.pid)
    world.tick()
    del world.procs[session.pid]
    browser.ppid = reaper.pid
    world.tick()
    world.crash()
    world.ticks(40)
    assert not world.alive(browser)


def test_orphans_are_remembered_only_of_nouns_that_ask_for_them_and_only_while_they_live() -> None:
    world = World(policy(noun("left", comm="browser", orphaned=True), Limit("left", "left", runtime_seconds=9e9)))
    shell, browser = world.spawn("shell"), world.spawn("browser")
    world.tick()
    shell.ppid = browser.ppid = 77
    world.tick()
    assert world.history.descent.reparented == {browser.id}
    del world.procs[browser.pid]
    world.tick()
    assert world.history.descent.reparented == frozenset()


def test_time_is_that_of_the_snapshot() -> None:
    later = Snapshot(replace(snapshot().clock, boottime=NOW + 100.0))
    process = Process(ProcessId(9, 1), 1, "x", started_boottime=NOW)
    assert circumstances.match(noun("n", age_above_seconds=99.0), process, later) is True


def test_a_kill_step_waits_for_whom_it_has_begun_to_end_though_he_has_shrunk() -> None:
    world = World(policy(noun("large", comm="hog", rss_above=mib(100)),
                         Recover("r", when=(when(ProcessesAre("large", count_above=0)),),
                                 steps=(step(Verb.KILL, "large", within=60.0),))))
    hog = world.spawn("hog", rss_mib=200, ignores_term=True)
    world.until(lambda: bool(world.signals(hog)))
    hog.rss_mib = 10
    world.ticks(4)
    assert world.running("r")
    world.until(lambda: not world.running("r"))
    assert not world.alive(hog)
