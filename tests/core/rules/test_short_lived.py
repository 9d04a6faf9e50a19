"""Short-lived processes of a protected noun cost no write and no record: they are counted."""

from __future__ import annotations

import re
from dataclasses import replace

from tests.core.build import noun, percent, policy
from tests.core.world import World
from watchdog_oom.core.policy import Emergency, Mode, Policy, Protect
from watchdog_oom.core.view import View


def rules(**keys: object) -> Policy:
    return policy(noun("sendmail"), Protect("mta", "sendmail", -500), **keys)


def test_a_process_is_protected_when_it_has_lived_a_few_seconds() -> None:
    world = World(rules())
    sendmail = world.spawn("sendmail", age=0.0)
    world.ticks(2)
    assert sendmail.adj == 0
    world.ticks(2)
    assert sendmail.adj == -500


def test_it_is_out_of_reach_of_all_rules_from_the_first_moment() -> None:
    world = World(rules())
    sendmail = world.spawn("sendmail", age=0.0)
    world.tick()
    assert View(world.seen, world.policy).protected == {sendmail.id: "mta"}


def test_near_an_emergency_nobody_waits() -> None:
    short = Emergency(mode=Mode.OBSERVE, memory_available_below=percent(60.0), swap_free_below=percent(100.0))
    world = World(replace(rules(), emergency=short))
    sendmail = world.spawn("sendmail", age=0.0)
    world.tick()
    assert sendmail.adj == -500


def test_those_that_never_live_so_long_are_told_once_an_hour_as_a_count() -> None:
    world = World(rules())
    master = world.spawn("sendmail")
    world.ticks(5)
    for number in range(100):
        first = world.spawn("sendmail", ppid=master.pid, age=0.0, adj=-500)
        second = world.spawn("sendmail", age=0.0)
        plan = world.tick()
        assert plan.intents == () and plan.notes == ()
        del world.procs[first.pid]
        if number % 2:
            second.comm = "mail.local"  # by exec it is no sendmail any more
            assert world.tick().intents == ()
        del world.procs[second.pid]
    world.ticks(120, 30.0)
    told, = world.said("short-lived")
    assert told.rule == "protect.mta"
    assert re.fullmatch("200 short-lived processes were let go in 1h[0-9]*s?: nothing is written for those that do not "
                        "live for 3s", told.result)
    assert world.history.scores.let_go == {} and world.history.scores.waiting == {}


def test_one_that_inherited_the_value_and_ends_at_once_is_not_reset() -> None:
    world = World(rules())
    master = world.spawn("sendmail")
    world.ticks(5)
    for _ in range(20):
        hook = world.spawn("sh", ppid=master.pid, age=0.0, adj=-500)
        assert world.tick().intents == ()
        del world.procs[hook.pid]
    slow = world.spawn("sh", ppid=master.pid, age=0.0, adj=-500)
    world.ticks(4)
    assert slow.adj == 0


def test_the_rest_is_told_when_the_daemon_stops() -> None:
    world = World(rules())
    short = world.spawn("sendmail", age=0.0)
    world.tick()
    del world.procs[short.pid]
    world.tick()
    world.stop()
    assert [note.result for note in world.said("1 short-lived process was let go in ")] != []
