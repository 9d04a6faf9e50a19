"""What is only observed or reported says what would be done, and to whom."""

from __future__ import annotations

import pytest

from tests.core.build import mib, noun, policy, step, when
from tests.core.world import Proc, Spool, World
from watchdog_oom.core.conditions.process import ProcessesAre
from watchdog_oom.core.nouns import ServiceNoun, SpoolNoun
from watchdog_oom.core.observe import observing
from watchdog_oom.core.policy import Limit, Mode, Protect, Recover, RecoveryStep, Then, Verb


def limited(limit: Limit, *more: Protect) -> World:
    return World(observing(policy(noun("scan"), limit, *more)))


def scan(world: World, **rest: object) -> Proc:
    return world.spawn("scan", rss_mib=200, **rest)  # type: ignore[arg-type]


def results(world: World, rule: str) -> list[str]:
    return [note.result for note in world.notes if note.rule == rule]


@pytest.mark.parametrize(("limit", "words"), [
    (Limit("l", "scan", rss=mib(100)), "observed only: would TERM scan[101]"),
    (Limit("l", "scan", rss=mib(100), grace_seconds=0.0), "observed only: would KILL scan[101]"),
    (Limit("l", "scan", rss=mib(100), then=Then.FREEZE), "observed only: would STOP scan[101]"),
    (Limit("l", "scan", rss=mib(100), then=Then.CONTAIN),
     "observed only: would contain mail.service: MemoryHigh=100 MiB"),
    (Limit("l", "scan", rss=mib(100), then=Then.REPORT), "reported: would TERM scan[101]"),
])
def test_each_limit_names_its_act_and_its_target_once(limit: Limit, words: str) -> None:
    world = limited(limit)
    scan(world, unit="mail.service")
    world.ticks(5)
    assert results(world, "limit.l") == [words] and world.sent == []
    assert world.notes[0].target is not None and world.notes[0].target.pid == 101


def test_one_whom_guard_would_spare_is_told_as_spared_and_why() -> None:
    world = limited(Limit("l", "scan", rss=mib(100)), Protect("p", "scan"))
    scan(world)
    world.ticks(2)
    assert results(world, "limit.l") == ["observed only: would not TERM scan[101]: it is protected by protect.p"]


def test_a_process_outside_all_units_would_not_be_contained() -> None:
    world = limited(Limit("l", "scan", rss=mib(100), then=Then.CONTAIN))
    scan(world)
    world.tick()
    assert results(world, "limit.l") == [
        "observed only: would not contain the unit of scan[101]: it is not in a systemd unit"]


def test_of_a_group_those_who_would_have_to_go_are_named() -> None:
    world = limited(Limit("l", "scan", count=1))
    scan(world, age=90.0)
    scan(world, age=10.0)
    world.ticks(3)
    assert results(world, "limit.l") == ["observed only: would TERM scan[101]"]


def test_a_score_that_would_be_set_is_told_with_what_is_there_once_the_process_is_no_passer_by() -> None:
    world = World(observing(policy(noun("db"), Protect("p", "db", -900))))
    world.spawn("db", age=100.0)
    world.spawn("db", age=100.0, adj=-900)
    world.spawn("db", age=0.0)
    world.ticks(2)
    assert results(world, "protect.p") == ["observed only: would set oom_score_adj of db[101] from 0 to -900"]
    world.ticks(5)
    assert len(results(world, "protect.p")) == 2 and world.done == []


def recovery(*steps: RecoveryStep) -> World:
    world = World(policy(noun("scan"), noun("db"), Protect("p", "db"), SpoolNoun("vscan", "/var/spool/v", ("*",), 60.0),
                         ServiceNoun("a", "a.service", ("a.socket",)), ServiceNoun("b", "b.service"),
                         Recover("r", (when(ProcessesAre("scan", count_above=0)),), steps, mode=Mode.OBSERVE)))
    scan(world, unit="a.service")
    world.spools["vscan"] = Spool(entries=50, stale=40)
    return world


@pytest.mark.parametrize(("asked", "words"), [
    (step(Verb.STOP, "a", "b"), "would stop a.socket, a.service, b.service"),
    (step(Verb.START, "a"), "would start a.service"), (step(Verb.START, stopped=True), "would start what was stopped"),
    (step(Verb.RESTART, "b"), "would restart b.service"), (step(Verb.VERIFY, "a"), "would verify a.service"),
    (step(Verb.KILL, "scan"), "would TERM scan[101]"), (step(Verb.FREEZE, "scan"), "would STOP scan[101]"),
    (step(Verb.KILL, "db"), "would find no process of db to kill"),
    (step(Verb.CONTAIN, "scan", memory_high=mib(300)), "would contain a.service: MemoryHigh=300 MiB"),
    (step(Verb.PURGE, "vscan"), "would purge vscan (40 of 50 entries in /var/spool/v are stale)"),
    (RecoveryStep(Verb.RUN, argv=("/bin/true", "x")), "would run /bin/true x"),
    (RecoveryStep(Verb.WAIT, within_seconds=5.0), "would wait 5s"),
])
def test_each_step_of_an_observed_recovery_names_what_it_would_meet(asked: RecoveryStep, words: str) -> None:
    world = recovery(asked)
    world.ticks(3)
    assert results(world, "recover.r") == [f"observed only: {words}"] and world.done == []


def test_the_steps_stand_in_their_order_and_whom_a_step_would_spare_stands_behind() -> None:
    world = recovery(step(Verb.STOP, "b"), step(Verb.KILL, "scan", "db"))
    world.spawn("db")
    world.tick()
    spared = "would not TERM db[102]: it is protected by protect.p"
    assert results(world, "recover.r") == [
        f"observed only: would stop b.service; would TERM scan[101]; {spared}"]


def test_of_very_many_processes_only_some_are_named() -> None:
    world = recovery(step(Verb.KILL, "scan"))
    for _ in range(14):
        scan(world)
    world.tick()
    told, = results(world, "recover.r")
    assert told.endswith("scan[110] and 5 more")
