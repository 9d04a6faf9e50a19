"""Whose oom_score_adj is inherited though no protected parent lives any more, and whose is from elsewhere."""

from __future__ import annotations

import pytest

from tests.core.build import noun, policy
from tests.core.world import Proc, World
from watchdog_oom.core.actions import SetOomScoreAdj
from watchdog_oom.core.policy import Children, Policy, Protect

UNIT = "cron.service"


def rules(**keys: object) -> Policy:
    return policy(noun("cron"), Protect("cron", "cron", -500, **keys))  # type: ignore[arg-type]


def world_with_cron(unit: str | None = UNIT, **keys: object) -> tuple[World, Proc]:
    """Cron is protected, and time passes before anybody else is born."""
    world = World(rules(**keys))
    world.spawn("systemd", pid=1, ppid=0, age=9000.0)
    cron = world.spawn("cron", unit=unit)
    world.ticks(3)
    world.ticks(2, 30.0)
    assert cron.adj == -500
    return world, cron


def orphan(world: World, **keys: object) -> Proc:
    return world.spawn("hog", **{"age": 0.5, "adj": -500, "unit": UNIT, **keys})  # type: ignore[arg-type]


def test_an_orphan_of_the_protected_goes_back_to_zero_and_why_is_said() -> None:
    world, cron = world_with_cron()
    hog = orphan(world)
    said = [(intent.rule, intent.because) for _ in range(5) for intent in world.tick().intents]
    why = (f"hog[{hog.pid}] shows -500, which was written for cron[{cron.pid}]; it was born 1min2s after that, its "
           "parents have ended, no other origin of the value is known, and it is not protected itself")
    assert said == [("protect.cron", (why,))]
    assert (hog.adj, cron.adj) == (0, -500)


@pytest.mark.parametrize("unit", [None, "session-4.scope", UNIT])
def test_it_does_not_matter_where_it_was_moved(unit: str | None) -> None:
    world, _ = world_with_cron()
    hog = orphan(world, unit=unit)
    world.ticks(6)
    assert hog.adj == 0


def test_without_a_service_manager_nobody_has_a_unit() -> None:
    world, _ = world_with_cron(unit=None)
    hog = orphan(world, unit=None)
    world.ticks(6)
    assert hog.adj == 0


@pytest.mark.parametrize("keys", [
    {"age": 600.0},                   # older than the write: an administrator's
    {"unit": "other.service"},        # systemd's OOMScoreAdjust=
    {"adj": -499},                    # nobody wrote that here
    {"comm": "cron"},                 # protected itself
])
def test_what_an_administrator_or_systemd_set_stays(keys: dict[str, object]) -> None:
    world, _ = world_with_cron()
    keys = {"age": 0.5, "adj": -500, "unit": UNIT, "comm": "hog", **keys}
    value, other = keys["adj"], world.spawn(**keys)  # type: ignore[arg-type]
    world.ticks(20)
    assert other.adj == value


def test_whoever_descends_from_another_unit_has_it_from_there() -> None:
    """A container's first process, or what choom(1) starts in an administrator's session."""
    world, _ = world_with_cron()
    shim = world.spawn("containerd-shim", unit="containerd.service", age=1.0)
    init = orphan(world, ppid=shim.pid, unit="docker-12.scope")
    world.ticks(20)
    assert init.adj == -500


def test_whoever_descends_from_somebody_older_than_the_write_has_it_from_there() -> None:
    world, _ = world_with_cron(unit=None)
    sshd = world.spawn("sshd", age=5000.0)
    shell = world.spawn("bash", ppid=sshd.pid, age=1.0)
    job = orphan(world, ppid=shell.pid, unit=None)
    world.ticks(20)
    assert job.adj == -500


def test_an_orphan_handed_to_an_ancestor_of_the_protected_is_theirs_all_the_same() -> None:
    world = World(rules())
    supervisor = world.spawn("subreaper", age=5000.0)
    world.spawn("cron", ppid=supervisor.pid)
    world.ticks(3)
    world.ticks(2, 30.0)
    hog = orphan(world, ppid=supervisor.pid, unit=None)
    world.ticks(6)
    assert hog.adj == 0


def test_a_job_that_raises_its_value_and_lowers_it_again_later_goes_back_as_well() -> None:
    world, _ = world_with_cron()
    hog = orphan(world, adj=0)
    world.ticks(12, 10.0)
    hog.adj = -500  # as far as it was born with, a process may go back without any capability
    world.ticks(40)
    assert hog.adj == 0


def test_it_is_known_after_a_crash_of_the_daemon_and_when_the_protected_has_ended() -> None:
    world, cron = world_with_cron()
    world.crash()
    del world.procs[cron.pid]
    hog = orphan(world, unit=None)
    world.now += 3000  # the next daemon is late
    world.ticks(3)
    assert hog.adj == 0


def test_whom_an_earlier_daemon_has_judged_is_not_judged_again() -> None:
    world, _ = world_with_cron()
    other = orphan(world, adj=0, unit=None)
    world.ticks(100, 60.0)
    other.adj = -500  # by an administrator's hand
    world.ticks(3)
    world.crash()
    world.ticks(20)
    assert other.adj == -500


def test_children_keep_it_where_the_policy_says_so() -> None:
    world, _ = world_with_cron(children=Children.INHERIT)
    hog = orphan(world)
    world.ticks(20)
    assert hog.adj == -500


def test_an_orphan_that_is_protected_itself_gives_back_what_had_been_there() -> None:
    world = World(rules())
    first = world.spawn("cron", adj=100)
    world.ticks(10)
    del world.procs[first.pid]
    second = world.spawn("cron", adj=-500, age=2.0)
    world.ticks(5)
    assert second.adj == -500
    world.stop()
    assert second.adj == 100


def test_when_the_daemon_stops_nobody_keeps_an_inherited_value() -> None:
    world, cron = world_with_cron()
    world.tick()
    child = world.spawn("sh", ppid=cron.pid, adj=-500, age=0.1, unit=UNIT)
    world.tick()
    hog = orphan(world, age=0.1)
    world.tick(0.1)
    world.stop()
    assert (cron.adj, child.adj, hog.adj) == (0, 0, 0)


def test_no_write_is_repeated_while_the_value_is_gone() -> None:
    world, _ = world_with_cron()
    orphan(world)
    steps = [intent.action for _ in range(70) for intent in world.tick().intents]
    assert len(steps) == 1 and isinstance(steps[0], SetOomScoreAdj)
