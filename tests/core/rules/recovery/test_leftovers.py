"""The shipped policy of the mail server: leftovers are cleared before scanners pile up on them; the filter runs on."""

from __future__ import annotations

import os

from tests.core.conftest import ROOT
from tests.core.world import Spool, World
from watchdog_oom.core.actions import NoteKind
from watchdog_oom.policy.build import build_policy
from watchdog_oom.policy.load import load_policy


def mail_server(spool: Spool) -> World:
    policy = build_policy(load_policy(files=[os.path.join(ROOT, "policies", "mail-server.toml")],
                                      check_ownership=False).ir)
    world = World(policy)
    for unit in ("amavis", "mariadb", "apache2"):
        world.service(unit)
    world.spools["vscan"] = spool
    return world


def closed(world: World, rule: str) -> list[str]:
    return [note.result for note in world.notes
            if note.kind is NoteKind.INCIDENT and note.rule == rule and note.result.startswith("closed")]


def test_leftovers_are_cleared_while_all_is_calm_and_nothing_is_stopped_for_it() -> None:
    world = mail_server(Spool(entries=400, stale=400))
    world.until(lambda: bool(closed(world, "recover.leftovers")), most=30)
    assert closed(world, "recover.leftovers") == ["closed: success"]
    world.ticks(120)
    assert world.done == ["purge vscan"]


def test_a_few_leftovers_are_left_to_lie() -> None:
    world = mail_server(Spool(entries=400, stale=20))
    world.ticks(120)
    assert world.done == []


def test_scanners_that_pile_up_on_leftovers_that_stay_are_the_filters_repair() -> None:
    world = mail_server(Spool(entries=400, stale=400, in_use=True))
    for number in range(5):
        world.spawn("clamscan", exe="/usr/bin/clamscan", user="amavis", age=10.0 - number, rss_mib=20)
    world.ticks(280)
    assert "stop amavis.service" not in world.done
    world.until(lambda: bool(closed(world, "recover.amavis")), most=120)
    assert "stop amavis.service" in world.done and "start amavis.service" in world.done
