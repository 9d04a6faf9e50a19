"""Any of the limits or all of them: of one process, of the group, of both; and readings that are missing."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from tests.core.build import mib, noun, percent, policy, proc, snapshot
from tests.core.world import World
from watchdog_oom.core.policy import Exceeds, Limit, Then
from watchdog_oom.core.rules import exceeding
from watchdog_oom.core.view import View

ALL = Exceeds.ALL
JOBS = Limit("job", "job", runtime_seconds=3600.0, total_rss=mib(300), exceeds=ALL)


def judged(limit: Limit, *, rss: int, age: float, readable: bool = True) -> bool | None:
    process = proc(9, "job", rss=rss, age=age)
    seen = snapshot(process) if readable else replace(snapshot(process), memory=None)
    return exceeding.of_process(View(seen, policy(noun("job"), limit)), limit, process).exceeded


def test_one_limit_is_enough_or_all_are_needed() -> None:
    any_of = Limit("job", "job", rss=mib(100), runtime_seconds=50.0)
    all_of = replace(any_of, exceeds=ALL)
    for large, old in product((False, True), repeat=2):
        found = {"rss": 101 if large else 100, "age": 51.0 if old else 50.0}
        assert judged(any_of, **found) is (large or old)  # type: ignore[arg-type]
        assert judged(all_of, **found) is (large and old)  # type: ignore[arg-type]


def test_a_missing_reading_decides_nothing_unless_another_limit_does() -> None:
    any_of = Limit("job", "job", rss=percent(10.0), runtime_seconds=50.0)
    all_of = replace(any_of, exceeds=ALL)
    assert judged(any_of, rss=1, age=60.0, readable=False) is True
    assert judged(any_of, rss=1, age=40.0, readable=False) is None
    assert judged(all_of, rss=1, age=60.0, readable=False) is None
    assert judged(all_of, rss=1, age=40.0, readable=False) is False


def test_of_both_kinds_the_old_go_only_while_the_group_is_too_large_and_no_more_than_it_takes() -> None:
    world = World(policy(noun("job"), JOBS))
    old = [world.spawn("job", rss_mib=100, age=7200.0 - number) for number in range(2)]
    young = world.spawn("job", rss_mib=90, age=10.0)
    world.ticks(3)
    assert world.sent == []
    young.rss_mib = 150
    world.ticks(5)
    assert [world.alive(one) for one in (*old, young)] == [False, True, True]


def test_of_both_kinds_those_within_their_own_limits_stay_though_the_group_is_too_large() -> None:
    world = World(policy(noun("job"), JOBS))
    old, young = world.spawn("job", rss_mib=50, age=7200.0), world.spawn("job", rss_mib=500, age=10.0)
    world.ticks(5)
    assert not world.alive(old)
    assert world.alive(young)


def test_both_kinds_must_be_exceeded_together_for_the_whole_time() -> None:
    world = World(policy(noun("job"), replace(JOBS, for_seconds=10.0)))
    old, filler = world.spawn("job", rss_mib=200, age=7200.0), world.spawn("job", rss_mib=150, age=1.0)
    world.ticks(8)
    filler.rss_mib = 10
    world.tick()
    filler.rss_mib = 150
    world.ticks(8)
    assert world.alive(old)
    world.ticks(4)
    assert not world.alive(old)


def test_of_limits_of_the_group_both_must_be_exceeded_and_one_kept_is_enough() -> None:
    world = World(policy(noun("job"), Limit("job", "job", total_rss=mib(300), count=2, exceeds=ALL)))
    jobs = [world.spawn("job", rss_mib=200, age=100.0 - number) for number in range(2)]
    world.ticks(3)
    assert world.sent == []
    jobs += [world.spawn("job", rss_mib=1, age=50.0 - number) for number in range(2)]
    world.ticks(5)
    assert [world.alive(job) for job in jobs] == [False, True, True, True]  # 202 MiB: one limit is kept


def test_with_all_nobody_is_frozen_or_reported_for_one_limit_alone() -> None:
    for then in (Then.FREEZE, Then.REPORT):
        world = World(policy(noun("job"), Limit("job", "job", rss=mib(100), runtime_seconds=900.0, exceeds=ALL,
                                                then=then)))
        world.spawn("job", rss_mib=200, age=10.0)
        world.spawn("job", rss_mib=20, age=1000.0)
        world.ticks(3)
        assert (world.sent, world.said("the limit is exceeded")) == ([], [])


@given(st.lists(st.tuples(st.integers(1, 80), st.floats(0.0, 7200.0)), max_size=8))
def test_all_never_ends_more_than_any_and_never_one_within_its_own_limits(jobs: list[tuple[int, float]]) -> None:
    ended = []
    for exceeds in Exceeds:
        world = World(policy(noun("job"), replace(JOBS, total_rss=mib(100), exceeds=exceeds)))
        procs = [world.spawn("job", rss_mib=rss, age=age) for rss, age in jobs]
        world.tick(0.0)
        ended.append({index for index, one in enumerate(procs) if not world.alive(one)})
        if exceeds is ALL:
            assert all(jobs[index][1] > 3600.0 - 1 for index in ended[-1])
    assert ended[1] <= ended[0]
