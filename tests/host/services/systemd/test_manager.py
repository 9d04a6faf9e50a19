"""systemd as the service manager: over D-Bus if it answers, else by systemctl, and back again."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.host.services.fake_systemd import FakeSystemd, together, unit
from watchdog_oom.core.actions import StartUnit, StopUnit
from watchdog_oom.core.model import ServiceStatus
from watchdog_oom.core.outcome import EffectReport, Outcome
from watchdog_oom.host.services.choose import choose_manager
from watchdog_oom.host.services.jobs import Jobs
from watchdog_oom.host.services.lsb import Lsb
from watchdog_oom.host.services.manager import bus_of
from watchdog_oom.host.services.poller import StatusPoller
from watchdog_oom.host.services.systemd.manager import Systemd

SYSTEMCTL = """#!/bin/sh
echo "$@" >> {dir}/calls
case "$*" in *show*) printf 'Id=a.service\\nLoadState=loaded\\nActiveState=failed\\nSubState=failed\\n';; esac
"""


@pytest.fixture
def systemd(tmp_path: Path) -> Systemd:
    program = tmp_path / "systemctl"
    program.write_text(SYSTEMCTL.replace("{dir}", str(tmp_path)))
    program.chmod(0o755)
    return Systemd(str(program), root=str(tmp_path), cgroups=str(tmp_path / "cgroup"))


@pytest.fixture
def jobs(systemd: Systemd) -> Iterator[Jobs]:
    jobs = Jobs(systemd)
    yield jobs
    jobs.close()


@pytest.fixture
def poller(systemd: Systemd) -> Iterator[StatusPoller]:
    poller = StatusPoller(systemd)
    yield poller
    poller.close()


def listening(tmp_path: Path) -> FakeSystemd:
    fake = FakeSystemd(tmp_path / "run/systemd/private")
    fake.units["a.service"] = unit("a.service")
    return fake


def called(tmp_path: Path) -> list[str]:
    calls = tmp_path / "calls"
    return [line.split(" -- ")[0].split()[-1] for line in calls.read_text().splitlines()] if calls.exists() else []


def status(poller: StatusPoller, *fakes: FakeSystemd, now: float) -> ServiceStatus:
    poller.ask(["a"], now)

    def step() -> bool:
        select.select([poller], [], [], 0.01)
        poller.poll(now)
        return "a" in poller.states and poller.states["a"].sensed_boottime == now

    together(step, *fakes)
    return poller.states["a"].status


def report(jobs: Jobs, *fakes: FakeSystemd, now: float) -> EffectReport:
    found: list[EffectReport] = []

    def step() -> bool:
        select.select([jobs], [], [], 0.01)
        found.extend(jobs.poll(now))
        return bool(found)

    together(step, *fakes)
    (only,) = found
    return only


def test_stops_and_starts_go_over_the_bus_without_a_child(jobs: Jobs, tmp_path: Path) -> None:
    fake = listening(tmp_path)
    jobs.start("i", StopUnit("a", "a"), 100.0)
    assert jobs.running == {"i"}
    assert report(jobs, fake, now=101.0) == EffectReport("i", Outcome(True, "stop done"), 1.0, 101.0)
    jobs.start("j", StartUnit("a", "a"), 102.0, incident="inc")
    assert report(jobs, fake, now=103.0).outcome.words == "start done"
    assert jobs.running == frozenset()
    assert jobs.poll(104.0) == ()
    assert called(tmp_path) == []
    fake.close()


def test_states_go_over_the_bus_by_systemctl_when_it_is_gone_and_back_when_it_returns(poller: StatusPoller,
                                                                                    tmp_path: Path) -> None:
    fake = listening(tmp_path)
    assert status(poller, fake, now=100.0) is ServiceStatus.ACTIVE
    fake.close()
    assert status(poller, now=120.0) is ServiceStatus.FAILED
    assert called(tmp_path) == ["show"] or "show" in (tmp_path / "calls").read_text()
    fake = listening(tmp_path)
    assert status(poller, fake, now=140.0) is ServiceStatus.ACTIVE
    fake.close()


def test_where_nobody_listens_a_job_is_done_by_systemctl(jobs: Jobs, tmp_path: Path) -> None:
    jobs.start("i", StopUnit("a", "a"), 100.0)
    assert report(jobs, now=100.0).outcome.ok
    assert called(tmp_path) == ["stop"]


def test_what_is_no_name_of_a_unit_is_never_sent(jobs: Jobs, poller: StatusPoller, tmp_path: Path) -> None:
    fake = listening(tmp_path)
    jobs.start("i", StopUnit("../x", "x"), 100.0)
    assert report(jobs, fake, now=100.0).outcome.words == "that is not the name of a unit"
    poller.ask(["-x"], 100.0)
    assert poller.states["-x"].status is ServiceStatus.MISSING
    assert fake.calls == []
    fake.close()


def test_more_units_than_children_may_run_at_once_are_all_told_in_turn(poller: StatusPoller, tmp_path: Path) -> None:
    units = [f"u{number}" for number in range(7)]

    def step() -> bool:
        poller.ask(units, 100.0)
        select.select([poller], [], [], 0.01)
        poller.poll(100.0)
        return len(poller.states) == len(units)

    together(step)


def test_a_forgotten_unit_whose_answer_comes_late_stays_forgotten(poller: StatusPoller, tmp_path: Path) -> None:
    fake = listening(tmp_path)
    fake.units["b.service"] = unit("b.service")
    poller.ask(["b"], 100.0)
    poller.ask([], 100.0)
    assert status(poller, fake, now=101.0) is ServiceStatus.ACTIVE
    assert set(poller.states) == {"a"}
    fake.close()


def test_one_unit_is_asked_once_until_it_is_told(poller: StatusPoller, tmp_path: Path) -> None:
    fake = listening(tmp_path)
    fake.frozen = True
    for now in (100.0, 101.0, 102.0):
        poller.ask(["a"], now, often=["a"])
        poller.poll(now)
    fake.frozen = False

    def step() -> bool:
        poller.poll(102.0)
        return bool(poller.states)

    together(step, fake)
    assert len(fake.asked("GetAll")) == 1
    assert poller.states["a"].sensed_boottime == 100.0
    fake.close()


def test_closing_leaves_nothing_open_and_may_be_done_by_both(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    fake = listening(tmp_path)
    systemd = Systemd(root=str(tmp_path))
    jobs, poller = Jobs(systemd), StatusPoller(systemd)
    assert status(poller, fake, now=100.0) is ServiceStatus.ACTIVE
    jobs.close()
    poller.ask(["a"], 200.0)
    poller.poll(200.0)
    poller.close()
    fake.close()
    assert len(os.listdir("/proc/self/fd")) == before


def test_only_systemd_has_a_bus(tmp_path: Path) -> None:
    assert bus_of(Lsb()) is None
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    manager = choose_manager(root=str(tmp_path))
    bus = bus_of(manager)
    assert bus is not None
    bus.close()


def test_what_speaks_d_bus_is_not_even_imported_where_systemd_does_not_run(tmp_path: Path) -> None:
    code = ("import sys, watchdog_oom.daemon.loop; from watchdog_oom.host.services.choose import choose_manager; "
            f"choose_manager(root={str(tmp_path)!r}); print('watchdog_oom.host.services.dbus.wire' in sys.modules)")
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert told.stdout == "False\n"
