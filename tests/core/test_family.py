"""Who descends from whom, and whole trees of processes."""

from __future__ import annotations

from tests.core.build import mib, noun, policy, proc, snapshot
from tests.core.world import World
from watchdog_oom.core.family import children_of, descendants
from watchdog_oom.core.nouns import ProcessNoun
from watchdog_oom.core.policy import Limit
from watchdog_oom.core.view import View

JOB = noun("job", comm="make", parent=("job",))
TREE = (proc(10, "make"), proc(11, "cc", ppid=10), proc(12, "as", ppid=11), proc(20, "cron"), proc(21, "cc", ppid=20))


def pids(noun_: ProcessNoun, *more: ProcessNoun) -> list[int]:
    view = View(snapshot(*TREE), policy(noun_, *more))
    found = sorted(process.pid for process in view.matching(noun_.name))
    assert found == [process.pid for process in TREE if view.matches(noun_, process)]  # one by one, as before a signal
    return found


def test_descendants_are_told_once_and_a_cycle_ends() -> None:
    ring = [proc(2, ppid=4), proc(3, ppid=2), proc(4, ppid=3)]
    assert sorted(process.pid for process in descendants([ring[0], ring[1]], children_of(ring))) == [2, 3, 4]


def test_a_noun_that_is_its_own_parent_is_the_roots_and_everything_below_them() -> None:
    assert pids(JOB) == [10, 11, 12]


def test_what_is_excepted_is_left_out_of_a_tree_and_what_is_below_it_stays() -> None:
    compiler = noun("compiler", comm="cc")
    assert pids(noun("job", comm="make", parent=("job",), excepted=("compiler",)), compiler) == [10, 12]


def test_an_exception_is_asked_whole_with_its_own_parent_and_exception() -> None:
    everything = noun("all", comm="cc", excepted=("built",))
    assert pids(everything, noun("built", comm="cc", parent=("make",)), noun("make")) == [21]
    assert pids(everything, noun("built", comm="cc", excepted=("cronjob",)),
                noun("cronjob", parent=("cron",)), noun("cron")) == [21]


def test_who_lost_the_root_of_its_tree_stays_in_it_with_its_later_children() -> None:
    world = World(policy(JOB, Limit("job", "job", count=9)))
    root = world.spawn("make")
    child = world.spawn("cc", ppid=root.pid)
    world.tick()
    del world.procs[root.pid]
    child.ppid = 1
    late = world.spawn("as", ppid=child.pid)
    world.tick()
    assert {process.pid for process in View(world.seen, world.policy).matching("job")} == set()  # not by itself
    assert child.id in world.history.descent.below
    for _ in range(8):
        world.spawn("as", ppid=late.pid)
    world.tick()
    world.tick()
    assert not world.alive(child)


def test_a_tree_goes_whole_root_first_and_others_stay_if_they_are_within_the_limit() -> None:
    world = World(policy(JOB, Limit("job", "job", total_rss=mib(100), grace_seconds=3.0)))
    first = world.spawn("make", age=90.0, rss_mib=5)
    firsts = [world.spawn("cc", ppid=first.pid, rss_mib=30, age=age) for age in (80.0, 10.0)]
    second = world.spawn("make", age=60.0, rss_mib=5)
    seconds = [world.spawn("cc", ppid=second.pid, rss_mib=40, age=50.0)]
    world.tick()
    assert [identity.pid for _, _, identity, _ in world.sent] == [first.pid, *(one.pid for one in firsts)]
    world.ticks(5)
    assert all(world.alive(one) for one in (second, *seconds))
