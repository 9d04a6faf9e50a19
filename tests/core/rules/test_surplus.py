"""Who goes first: the largest, by what each holds without the others."""

from __future__ import annotations

from tests.core.build import mib, noun, policy
from tests.core.world import World
from watchdog_oom.core.policy import First, Limit

LARGEST = Limit("worker", "worker", total_rss=mib(300), first=First.LARGEST)


def test_the_largest_goes_first_and_no_more_than_it_takes() -> None:
    world = World(policy(noun("worker"), LARGEST))
    workers = [world.spawn("worker", rss_mib=rss, age=100.0 - rss / 10) for rss in (50, 200, 120)]
    world.ticks(5)
    assert [world.alive(worker) for worker in workers] == [True, False, True]


def test_of_too_many_the_largest_go() -> None:
    world = World(policy(noun("worker"), Limit("worker", "worker", count=1, first=First.LARGEST)))
    workers = [world.spawn("worker", rss_mib=rss) for rss in (30, 10, 20)]
    world.ticks(5)
    assert [world.alive(worker) for worker in workers] == [False, True, False]


def test_the_largest_is_who_holds_most_without_what_it_shares_with_the_others() -> None:
    world = World(policy(noun("worker"), LARGEST), ram_mib=4096)
    sharing = [world.spawn("worker", rss_mib=205, shared_mib=200) for _ in range(3)]
    alone = world.spawn("worker", rss_mib=190)
    world.ticks(5)
    assert not world.alive(alone)
    assert all(world.alive(one) for one in sharing)


def test_without_known_shares_all_are_compared_by_what_they_show() -> None:
    world = World(policy(noun("worker"), LARGEST), ram_mib=4096, sharing="refused")
    first, second = world.spawn("worker", rss_mib=190), world.spawn("worker", rss_mib=205)
    world.ticks(5)
    assert world.alive(first)
    assert not world.alive(second)


def test_those_that_hold_the_same_go_oldest_first() -> None:
    world = World(policy(noun("worker"), Limit("worker", "worker", count=1, first=First.LARGEST)))
    older, newer = world.spawn("worker", age=90.0), world.spawn("worker", age=30.0)
    world.ticks(5)
    assert (world.alive(older), world.alive(newer)) == (False, True)


def test_of_trees_that_goes_which_holds_most_together() -> None:
    job = noun("job", comm="make", parent=("job",))
    world = World(policy(job, Limit("job", "job", total_rss=mib(150), first=First.LARGEST)))
    roots = [world.spawn("make", rss_mib=rss) for rss in (60, 5)]
    children = [world.spawn("cc", ppid=roots[1].pid, rss_mib=50) for _ in range(2)]
    world.ticks(5)
    assert world.alive(roots[0])
    assert not any(world.alive(one) for one in (roots[1], *children))
