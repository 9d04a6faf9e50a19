"""The shipped policies after a kernel kill: killed services are started again, in order, when memory allows it."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from tests.core.build import percent
from tests.core.conftest import ROOT
from tests.core.world import Proc, Unit, World
from watchdog_oom.core.actions import NoteKind
from watchdog_oom.core.model import ServiceStatus
from watchdog_oom.core.policy import Emergency
from watchdog_oom.policy.build import build_policy
from watchdog_oom.policy.load import load_policy

ACTIVE, FAILED, INACTIVE = ServiceStatus.ACTIVE, ServiceStatus.FAILED, ServiceStatus.INACTIVE
MYSQLD, APACHE = "/usr/sbin/mariadbd", "/usr/sbin/apache2"


def world_of(name: str) -> World:
    """A host under the shipped policy. Its emergency is out of reach: here the kernel was faster."""
    policy = build_policy(load_policy(files=[os.path.join(ROOT, "policies", name)], check_ownership=False).ir)
    never = Emergency(memory_available_below=percent(0.0), swap_free_below=percent(0.0))
    return World(replace(policy, emergency=never))


def mail_server() -> tuple[World, Unit, Unit, Proc, Proc]:
    world = world_of("mail-server.toml")
    world.service("amavis")
    database, apache = world.service("mariadb"), world.service("apache2")
    return world, database, apache, world.spawn("mariadbd", exe=MYSQLD), world.spawn("apache2", exe=APACHE)


def killed(world: World, process: Proc, unit: Unit) -> None:
    world.kernel_kills(process)
    unit.status = FAILED


def closed(world: World) -> list[str]:
    return [note.result for note in world.notes if note.kind is NoteKind.INCIDENT and note.result.startswith("closed")]


def test_a_database_that_the_kernel_killed_is_started_and_probed() -> None:
    world, database, _, mysqld, _ = mail_server()
    world.ticks(5)
    killed(world, mysqld, database)
    world.until(lambda: bool(closed(world)), most=60)
    assert closed(world) == ["closed: success"]
    assert database.status is ACTIVE
    assert "probe database" in world.done
    opened = world.said("opened")[0]
    assert "the kernel killed mariadbd" in opened.because[0] or "the kernel killed mariadbd" in opened.because[1]


def test_the_database_is_running_before_the_web_server_is_started() -> None:
    world, database, apache, mysqld, httpd = mail_server()
    database.start_takes = 90.0
    world.ticks(5)
    killed(world, mysqld, database)
    killed(world, httpd, apache)
    world.until(lambda: apache.starts > 0, most=300)
    assert database.status is ACTIVE
    world.until(lambda: len(closed(world)) == 2, most=300)
    assert closed(world) == ["closed: success"] * 2
    assert world.done.index("start mariadb.service") < world.done.index("start apache2.service")


def test_nothing_is_started_before_memory_allows_it_and_then_it_is() -> None:
    world, database, _, mysqld, _ = mail_server()
    hog = world.spawn("hog", rss_mib=850)
    world.ticks(5)
    killed(world, mysqld, database)
    world.ticks(600)
    assert database.starts == 0
    del world.procs[hog.pid]
    world.until(lambda: database.status is ACTIVE, most=60)


def test_a_web_server_that_the_operator_stopped_stays_so_when_the_database_is_shot() -> None:
    world, database, apache, mysqld, httpd = mail_server()
    apache.status = INACTIVE
    del world.procs[httpd.pid]
    world.ticks(5)
    killed(world, mysqld, database)
    world.until(lambda: bool(closed(world)), most=60)
    world.ticks(100)
    assert (database.status, apache.status, apache.starts) == (ACTIVE, INACTIVE, 0)


def test_one_that_systemd_started_again_by_itself_is_only_verified() -> None:
    world, database, _, mysqld, _ = mail_server()
    world.ticks(5)
    world.kernel_kills(mysqld)
    world.until(lambda: bool(closed(world)), most=60)
    assert database.starts == 0
    assert "probe database" in world.done


@pytest.mark.parametrize(("unit", "comm", "exe"), [
    ("mariadb", "mariadbd", MYSQLD), ("postgresql", "postgres", "/usr/bin/postgres")])
def test_the_database_policy_brings_its_databases_back(unit: str, comm: str, exe: str) -> None:
    world = world_of("database.toml")
    world.service("mariadb")
    world.service("postgresql")
    process = world.spawn(comm, exe=exe)
    world.ticks(5)
    killed(world, process, world.units[f"{unit}.service"])
    world.until(lambda: bool(closed(world)), most=120)
    assert closed(world) == ["closed: success"]
    assert world.units[f"{unit}.service"].status is ACTIVE
