"""Whoever was seen below a noun stays below it for its life: in recoveries, in limits, over a restart of the daemon."""

from __future__ import annotations

from dataclasses import replace

from tests.core.build import mib, noun, policy, proc, snapshot, step, when
from tests.core.world import Proc, World
from watchdog_oom.core.conditions.process import ProcessesAre
from watchdog_oom.core.descent import Lineage, remember
from watchdog_oom.core.model import ServiceStatus
from watchdog_oom.core.nouns import ServiceNoun
from watchdog_oom.core.policy import Limit, Policy, Recover, Verb
from watchdog_oom.core.view import View

MASTER, SCANNER = noun("amavisd"), noun("clamscan", comm="clamscan", parent=("amavisd",))
RECOVERY = policy(MASTER, SCANNER, ServiceNoun("amavis", "amavis.service"), Recover(
    "amavis", when=(when(ProcessesAre("clamscan", count_above=4)),),
    steps=(step(Verb.STOP, "amavis"), step(Verb.KILL, "clamscan"), step(Verb.START, "amavis"))))


def family(rules: Policy, **keys: object) -> tuple[World, Proc, list[Proc]]:
    world = World(rules)
    world.service("amavis")
    master = world.spawn("amavisd")
    return world, master, [world.spawn("clamscan", ppid=master.pid, **keys) for _ in range(5)]  # type: ignore[arg-type]


def orphan(world: World, master: Proc, children: list[Proc], reaper: int = 1) -> None:
    del world.procs[master.pid]
    for child in children:
        child.ppid = reaper


def test_a_kill_step_ends_those_whose_parent_its_own_run_has_stopped() -> None:
    world, master, scanners = family(RECOVERY)
    world.until(lambda: world.status("amavis") is not ServiceStatus.ACTIVE)
    orphan(world, master, scanners)
    world.until(lambda: not world.running("amavis"))
    assert not any(world.alive(scanner) for scanner in scanners)


def test_a_limit_still_means_an_orphan_and_its_later_children_whoever_the_subreaper_is() -> None:
    rules = policy(MASTER, SCANNER, Limit("scan", "clamscan", rss=mib(100), grace_seconds=1.0))
    world, master, scanners = family(rules)
    world.tick()
    orphan(world, master, scanners, reaper=50)
    world.spawn("systemd", pid=50)
    world.ticks(3)
    late = world.spawn("clamscan", ppid=scanners[0].pid, rss_mib=200)
    scanners[1].rss_mib = 200
    world.ticks(3)
    assert not world.alive(scanners[1]) and not world.alive(late)
    assert all(world.alive(scanners[index]) for index in (0, 2, 3, 4))


def test_an_orphan_that_was_never_seen_below_the_noun_is_nobodys() -> None:
    world, _, _ = family(policy(MASTER, SCANNER, Limit("scan", "clamscan", rss=mib(100))))
    stranger = world.spawn("clamscan", rss_mib=200)
    world.ticks(3)
    assert world.alive(stranger)


def test_orphans_are_known_to_the_next_daemon_of_this_boot() -> None:
    world, master, scanners = family(policy(MASTER, SCANNER, Limit("scan", "clamscan", rss=mib(100))))
    world.tick()
    orphan(world, master, scanners)
    world.tick()
    world.crash()
    scanners[2].rss_mib = 200
    world.ticks(3)
    assert [world.alive(scanner) for scanner in scanners] == [True, True, False, True, True]


def test_a_daemon_that_dies_right_after_it_stopped_the_parent_has_saved_the_family_before() -> None:
    world, master, scanners = family(RECOVERY)
    world.until(lambda: world.running("amavis"))
    world.tick(killed_after=1)
    orphan(world, master, scanners)
    world.until(lambda: not any(world.alive(scanner) for scanner in scanners), most=600)


def test_the_memory_ends_with_the_process_and_with_the_noun() -> None:
    master, child = proc(10, "amavisd"), proc(11, "clamscan", ppid=10)
    rules = policy(MASTER, SCANNER)
    first = remember(View(snapshot(master, child), rules))
    assert first == Lineage({child.id: frozenset({"amavisd"})})
    alone = snapshot(replace(child, ppid=1), below=first.below)
    second = remember(View(alone, rules))
    assert second == Lineage(first.below, frozenset({child.id}))
    assert remember(View(snapshot(proc(11, "clamscan", start=7), below=second.below), rules)) == Lineage()
    assert remember(View(alone, policy(noun("clamscan")))) == Lineage()


def test_parents_in_a_circle_end_the_search() -> None:
    a, b, master = proc(20, "a", ppid=21), proc(21, "b", ppid=20), proc(10, "amavisd", ppid=20)
    assert remember(View(snapshot(a, b, master), policy(MASTER, SCANNER))).below == {}
