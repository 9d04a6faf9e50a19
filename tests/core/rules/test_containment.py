"""Containment of units: bounds while a rule asks for them, verified, always restored, refused where they would hurt.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.build import MIB, mib, noun, percent, policy
from tests.core.world import Proc, Unit, World
from watchdog_oom.core.actions import Contain, Release
from watchdog_oom.core.guard import uncontainable
from watchdog_oom.core.model import UNLIMITED_BYTES, ServiceStatus
from watchdog_oom.core.nouns import ProcessNoun
from watchdog_oom.core.policy import Emergency, Limit, Policy, Protect, Then
from watchdog_oom.core.view import View

UNIT = "report.service"


def rules(*more: ProcessNoun | Protect | Limit, **keys: object) -> Policy:
    given_keys = {"rss": mib(100), "then": Then.CONTAIN, **keys}
    return policy(noun("leaker"), Limit("leaker", "leaker", **given_keys), *more)  # type: ignore[arg-type]


def world_of(rule: Policy | None = None, *, rss: int = 150, unit: str | None = UNIT) -> tuple[World, Unit, Proc]:
    world = World(rule or rules())
    found = world.service("report")
    return world, found, world.spawn("leaker", rss_mib=rss, unit=unit)


def bounds(world: World) -> list[str]:
    return [words for words in world.done if words.startswith(("contain", "release"))]


def test_a_leakers_unit_is_bound_at_the_limit_and_that_is_verified() -> None:
    world, unit, leaker = world_of()
    world.ticks(4)
    assert unit.memory_high == 100 * MIB
    assert unit.memory_max == UNLIMITED_BYTES
    assert bounds(world) == [f"contain {UNIT}: MemoryHigh=100 MiB"]
    assert len(world.said("verified: its memory bounds are set")) == 1
    assert world.alive(leaker)
    assert world.signals() == []


def test_nothing_is_set_before_it_is_known_what_was_there() -> None:
    world, unit, _ = world_of()
    first = world.tick()
    assert first.intents == ()
    assert UNIT in first.watch.services
    unit.memory_high = None
    world.ticks(5)
    assert bounds(world) == []
    assert len(world.said("cannot be contained: the service manager reports no MemoryHigh")) == 1


def test_the_sizes_of_the_policy_hold_and_percentages_are_of_ram() -> None:
    world, unit, _ = world_of(rules(memory_high=percent(25), memory_max=mib(700)))
    world.ticks(4)
    assert (unit.memory_high, unit.memory_max) == (256 * MIB, 700 * MIB)


def test_it_lasts_until_all_was_well_below_the_limit_for_a_minute_with_swap_counted() -> None:
    world, unit, leaker = world_of()
    world.ticks(4)
    leaker.rss_mib, leaker.swap_mib = 60, 70  # what containment does to it
    world.ticks(200)
    assert unit.memory_high == 100 * MIB
    leaker.swap_mib = 30  # 90 of 100 MiB: below, but not well below
    world.ticks(200)
    assert unit.memory_high == 100 * MIB
    leaker.swap_mib = 0
    world.ticks(55)
    assert unit.memory_high == 100 * MIB
    world.ticks(10)
    assert unit.memory_high == UNLIMITED_BYTES
    assert world.history.contained == {}
    assert len(world.said("released: its former memory bounds are restored")) == 1


def test_the_end_of_the_leaker_is_a_reason_to_let_go() -> None:
    world, unit, leaker = world_of()
    world.ticks(4)
    del world.procs[leaker.pid]
    world.until(lambda: unit.memory_high == UNLIMITED_BYTES, most=70)


def test_the_bounds_that_were_there_before_come_back() -> None:
    world, unit, leaker = world_of(rules(memory_max=mib(300)))
    unit.memory_high, unit.memory_max = 900 * MIB, 950 * MIB
    world.ticks(4)
    assert (unit.memory_high, unit.memory_max) == (100 * MIB, 300 * MIB)
    leaker.rss_mib = 10
    world.until(lambda: not world.history.contained, most=80)
    assert (unit.memory_high, unit.memory_max) == (900 * MIB, 950 * MIB)


def test_a_tighter_bound_of_the_administrator_is_left_alone() -> None:
    world, unit, _ = world_of()
    unit.memory_high = 50 * MIB
    world.ticks(10)
    assert unit.memory_high == 50 * MIB
    assert bounds(world) == []
    assert len(world.said("its MemoryHigh is already 50 MiB")) == 1


def test_what_the_administrator_set_in_the_meantime_is_not_taken_back() -> None:
    world, unit, leaker = world_of()
    world.ticks(4)
    unit.memory_high = 123 * MIB
    leaker.rss_mib = 10
    world.until(lambda: not world.history.contained, most=80)
    assert unit.memory_high == 123 * MIB
    assert len(world.said("left unchanged")) == 1


def test_the_daemons_stop_gives_everything_back_before_it_ends() -> None:
    world, unit, _ = world_of()
    world.ticks(4)
    world.stop()
    assert unit.memory_high == UNLIMITED_BYTES
    assert world.history.contained == {}


def test_a_stop_while_the_bounds_are_being_set_waits_and_undoes_them() -> None:
    world, unit, _ = world_of()
    unit.bound_takes = 5.0
    world.tick()
    world.tick()
    assert world.history.contained[UNIT].done is None
    world.stop()
    assert [words.split()[0] for words in bounds(world)] == ["contain", "release"]
    assert unit.memory_high == UNLIMITED_BYTES


def test_a_release_that_fails_does_not_keep_the_daemon_and_is_left_to_its_next_life() -> None:
    world, unit, _ = world_of()
    world.ticks(4)
    unit.bound = "fails"
    world.stop()
    assert UNIT in world.history.contained
    unit.bound = "ok"
    world.crash()
    world.policy = policy(noun("leaker"))
    world.ticks(6)
    assert unit.memory_high == UNLIMITED_BYTES


def test_after_a_crash_a_rule_that_still_holds_keeps_it_and_the_true_former_bounds() -> None:
    world, unit, leaker = world_of()
    unit.memory_high = 900 * MIB
    world.ticks(4)
    world.crash()
    world.ticks(100)
    assert unit.memory_high == 100 * MIB
    assert len(bounds(world)) == 1
    leaker.rss_mib = 10
    world.until(lambda: not world.history.contained, most=80)
    assert unit.memory_high == 900 * MIB


@pytest.mark.parametrize("ticks", [2, 3, 4])
def test_after_a_crash_what_no_rule_asks_for_any_more_is_undone(ticks: int) -> None:
    world, unit, leaker = world_of()
    world.ticks(ticks)
    assert UNIT in world.history.contained
    world.crash()
    del world.procs[leaker.pid]
    world.until(lambda: not world.history.contained, most=120)
    assert unit.memory_high == UNLIMITED_BYTES


def test_a_rule_that_leaves_the_policy_lets_go_at_once() -> None:
    world, unit, _ = world_of()
    world.ticks(4)
    world.policy = policy(noun("leaker"))
    world.until(lambda: unit.memory_high == UNLIMITED_BYTES, most=5)


def test_other_sizes_in_the_policy_are_set_and_what_was_before_us_still_comes_back() -> None:
    world, unit, leaker = world_of()
    world.ticks(4)
    world.policy = rules(memory_high=mib(70))
    world.ticks(4)
    assert unit.memory_high == 70 * MIB
    leaker.rss_mib = 1
    world.until(lambda: not world.history.contained, most=80)
    assert unit.memory_high == UNLIMITED_BYTES


def test_two_rules_that_disagree_get_the_tighter_bounds() -> None:
    world, unit, _ = world_of(rules(Limit("b", "leaker", rss=mib(120), then=Then.CONTAIN, memory_high=mib(80),
                                          memory_max=mib(400))))
    world.ticks(4)
    assert (unit.memory_high, unit.memory_max) == (80 * MIB, 400 * MIB)


def test_a_unit_that_is_gone_is_forgotten() -> None:
    world, _, leaker = world_of()
    world.ticks(4)
    del world.procs[leaker.pid]
    world.units[UNIT] = Unit(ServiceStatus.MISSING, memory_high=None)
    world.until(lambda: not world.history.contained, most=80)
    assert len(bounds(world)) == 1


def test_a_process_without_a_unit_is_only_reported_once_an_hour() -> None:
    world, _, leaker = world_of(unit=None)
    world.ticks(3000)
    assert world.alive(leaker)
    assert bounds(world) == []
    assert len(world.said("cannot be contained: it is not in a systemd unit")) == 1


def test_a_failure_is_told_and_tried_again_only_after_a_while() -> None:
    world, unit, leaker = world_of()
    unit.bound = "fails"
    world.ticks(250)
    assert len(bounds(world)) == 1
    assert len(world.said("cannot be contained: it did not work")) == 1
    unit.bound = "ok"
    world.ticks(100)
    assert unit.memory_high == 100 * MIB
    assert world.alive(leaker)


def test_a_call_that_is_told_to_have_failed_and_was_heard_all_the_same_is_still_given_back() -> None:
    world, unit, leaker = world_of()
    unit.bound = "unheard"
    world.ticks(4)
    unit.bound = "ok"
    world.ticks(4)
    assert unit.memory_high == 100 * MIB
    assert len(world.said("verified: its memory bounds are set")) == 1
    leaker.rss_mib = 10
    world.until(lambda: not world.history.contained, most=80)
    assert unit.memory_high == UNLIMITED_BYTES


@pytest.mark.parametrize("before", [True, False])
def test_a_release_forgets_what_systemd_keeps_unless_it_was_there_before_us(before: bool) -> None:
    world, unit, leaker = world_of()
    unit.bound_at_runtime = before
    world.ticks(4)
    unit.bound_at_runtime = True
    world.crash()
    leaker.rss_mib = 10
    released: list[Release] = []
    while not released:
        released = [intent.action for intent in world.tick().intents if isinstance(intent.action, Release)]
    assert released[0].forget is not before


def test_in_the_middle_of_an_emergency_nothing_is_bound_since_nothing_is_saved() -> None:
    world = World(policy(noun("leaker"), noun("hog"), Emergency(percent(20.0), percent(20.0), prefer=("hog",)),
                         Limit("leaker", "leaker", rss=mib(100), then=Then.CONTAIN)), base_mib=0, swap_used_mib=450)
    unit = world.service("report")
    world.spawn("leaker", rss_mib=300, unit=UNIT)
    world.spawn("hog", rss_mib=600, ignores_term=True)
    urgent: list[float] = []
    bound: list[float] = []
    while not bound:
        for intent in world.tick().intents:
            (urgent if intent.urgent else bound).append(world.now)
    assert world.history.emergency is not None
    assert 2.0 < bound[0] - urgent[-1] < 10.0
    world.ticks(2)
    assert unit.memory_high == 100 * MIB


def test_an_unreadable_memory_neither_binds_nor_releases() -> None:
    world, unit, _ = world_of(rules(memory_high=percent(25)))
    world.ticks(4)
    world.memory_readable = False
    world.ticks(200)
    assert unit.memory_high == 256 * MIB


def test_the_group_together_can_be_the_reason() -> None:
    world = World(policy(noun("leaker"), Limit("l", "leaker", total_rss=mib(100), then=Then.CONTAIN)))
    unit = world.service("report")
    for _ in range(3):
        world.spawn("leaker", rss_mib=40, unit=UNIT)
    world.ticks(4)
    assert unit.memory_high == 100 * MIB


def test_a_unit_that_holds_a_protected_process_is_refused_and_that_is_told() -> None:
    world, unit, _ = world_of(rules(noun("mysqld"), Protect("db", "mysqld")))
    world.spawn("mysqld", unit=UNIT)
    world.ticks(10)
    assert unit.memory_high == UNLIMITED_BYTES
    assert [refusal.reason for refusal in world.refusals] == ["it holds mysqld[103]: it is protected by protect.db"]


def test_a_protected_process_that_begins_in_a_bound_unit_ends_the_bounds_and_its_end_lets_them_come_again() -> None:
    world, unit, _ = world_of(rules(noun("dpkg"), Protect("writing", "dpkg")))
    world.ticks(4)
    assert unit.memory_high == 100 * MIB
    dpkg = world.spawn("dpkg", unit=UNIT)
    plans = [world.tick() for _ in range(4)]
    assert unit.memory_high == UNLIMITED_BYTES
    reasons = [intent.because for plan in plans for intent in plan.intents if isinstance(intent.action, Release)]
    assert reasons == [(f"it holds dpkg[{dpkg.pid}]: it is protected by protect.writing",)]
    del world.procs[dpkg.pid]
    world.until(lambda: unit.memory_high == 100 * MIB, most=310)


def test_a_process_of_which_it_is_not_known_yet_whether_it_is_protected_does_not_end_the_bounds() -> None:
    world, unit, _ = world_of(rules(noun("dpkg", comm="dpkg", user=("root",)), Protect("writing", "dpkg")))
    world.ticks(4)
    world.spawn("dpkg", unit=UNIT)  # the name of its user is not known yet
    world.ticks(2)
    assert unit.memory_high == 100 * MIB


@pytest.mark.parametrize("unit", [
    "-.slice", "system.slice", "user.slice", "user-1000.slice", "init.scope", "session-3.scope", "user@1000.service",
    "ssh.service", "sshd.service", "sshd@3.service", "watchdog-oomd.service", "systemd-journald.service",
    "dbus.service", "x.mount"])
def test_some_units_are_never_contained(unit: str) -> None:
    world, _, _ = world_of()
    assert uncontainable(unit, View(world.snapshot(), world.policy)) is not None


@pytest.mark.parametrize("name", ["sshd", "watchdog"])
def test_a_unit_that_holds_sshd_or_the_daemon_is_never_contained(name: str) -> None:
    world, _, _ = world_of()
    process = world.spawn(name, unit=UNIT, exe=f"/usr/sbin/{name}")
    world.lineage = frozenset({process.pid} if name == "watchdog" else ())
    assert uncontainable(UNIT, View(world.snapshot(), world.policy)) is not None


def test_a_neighbour_whom_no_noun_matches_is_asked_about_and_does_not_keep_the_unit_free() -> None:
    world, unit, _ = world_of()
    world.spawn("neighbour", unit=UNIT)
    world.ticks(4)
    assert unit.memory_high == 100 * MIB


@pytest.mark.parametrize("neighbour", ["spared by the kernel", "operator's shell"])
def test_a_unit_is_not_contained_for_the_sake_of_one_whom_no_noun_matches(neighbour: str) -> None:
    world, unit, _ = world_of()
    if neighbour == "operator's shell":
        login = world.spawn("login", exe="/usr/bin/login", unit="getty@tty1.service")
        world.spawn("bash", ppid=login.pid, pid=700, session=700, tty=1025, unit=UNIT)
    else:
        world.spawn("pilot", adj=-1000, unit=UNIT)
    world.ticks(5)
    assert unit.memory_high == UNLIMITED_BYTES
    assert len(world.refusals) == 1


UNITS = ("a.service", "b.service", "session-1.scope", "a.slice", "c.scope", None)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["leaker", "mysqld", "sshd", "other"]), st.sampled_from(UNITS),
                          st.integers(1, 300)), max_size=12), st.integers(0, 5))
def test_no_plan_ever_bounds_a_unit_in_which_anybody_untouchable_lives(
        processes: list[tuple[str, str | None, int]], crash_at: int) -> None:
    world = World(rules(noun("mysqld"), Protect("db", "mysqld")), ram_mib=8192)
    for unit in UNITS:
        if unit is not None:
            world.units[unit] = Unit()
    for comm, unit, rss in processes:
        world.spawn(comm, rss_mib=rss, unit=unit, exe=f"/usr/sbin/{comm}")
    holding = {unit for comm, unit, _ in processes if comm in ("mysqld", "sshd")}
    for tick in range(6):
        if tick == crash_at:
            world.crash()
        for intent in world.tick().intents:
            assert isinstance(intent.action, Contain | Release)
            assert intent.action.unit.endswith((".service", ".scope"))
            assert intent.action.unit not in holding
    world.stop()
    assert all(unit.memory_high == UNLIMITED_BYTES for unit in world.units.values())


def test_bounds_are_whole_pages_of_a_size_the_kernel_takes() -> None:
    world, unit, _ = world_of(replace(rules(), limits={"leaker": Limit(
        "leaker", "leaker", rss=mib(1), then=Then.CONTAIN, memory_high=percent(0.0001))}))
    world.ticks(4)
    assert unit.memory_high == 4096
