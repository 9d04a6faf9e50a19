"""Memory bounds over D-Bus: requested once, requested again if the answer is lost, and never waited for."""

from __future__ import annotations

import select
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.host.services.fake_systemd import FakeSystemd, together, unit
from watchdog_oom.core.actions import Contain, Release, StopUnit
from watchdog_oom.core.model import UNLIMITED_BYTES
from watchdog_oom.core.outcome import EffectReport, Outcome
from watchdog_oom.host.services.jobs import BOUND_DEADLINE_SECONDS, Jobs
from watchdog_oom.host.services.systemd.manager import Systemd

UNIT = "a.service"
MIB = 1 << 20
HIGH = ("MemoryHigh", ("t", 100 * MIB))


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeSystemd]:
    fake = FakeSystemd(tmp_path / "run/systemd/private")
    fake.units[UNIT] = unit(UNIT)
    yield fake
    fake.close()


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    """Where systemctl is called at all, it leaves a trace."""
    program = tmp_path / "systemctl"
    program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\n')
    program.chmod(0o755)
    jobs = Jobs(Systemd(str(program), root=str(tmp_path), cgroups=str(tmp_path / "cgroup")))
    yield jobs
    jobs.close()


def reports(jobs: Jobs, *fakes: FakeSystemd, now: float = 101.0, count: int = 1) -> list[EffectReport]:
    found: list[EffectReport] = []

    def step() -> bool:
        select.select([jobs], [], [], 0.01)
        found.extend(jobs.poll(now))
        return len(found) >= count

    together(step, *fakes)
    return found


def served(jobs: Jobs, fake: FakeSystemd, calls: int) -> None:
    def step() -> bool:
        assert jobs.poll(100.0) == ()
        return len(fake.asked("SetUnitProperties")) >= calls
    together(step, fake)


def drop_in(tmp_path: Path, name: str = "50-MemoryHigh.conf") -> Path:
    path = tmp_path / "run/systemd/system.control/a.service.d" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("[Service]\nMemoryHigh=104857600\n")
    return path


def test_bounds_are_set_for_this_boot_only_without_a_child(jobs: Jobs, fake: FakeSystemd, tmp_path: Path) -> None:
    jobs.start("i", Contain(UNIT, 100 * MIB, 200 * MIB), 100.0)
    assert reports(jobs, fake) == [EffectReport("i", Outcome(True, "set-property done"), 1.0, 101.0)]
    assert fake.asked("SetUnitProperties") == [
        ("SetUnitProperties", (UNIT, True, [HIGH, ("MemoryMax", ("t", 200 * MIB))]))]
    assert not (tmp_path / "calls").exists()
    assert jobs.running == frozenset()
    assert jobs.poll(300.0) == ()


def test_memory_max_is_only_touched_when_it_is_given_and_no_bound_is_the_greatest_number(jobs: Jobs,
                                                                                      fake: FakeSystemd) -> None:
    jobs.start("i", Release(UNIT, UNLIMITED_BYTES), 100.0)
    assert reports(jobs, fake)[0].outcome.ok
    assert fake.asked("SetUnitProperties")[0][1][2] == [("MemoryHigh", ("t", 2**64 - 1))]


def test_a_refusal_is_told_in_systemds_words(jobs: Jobs, fake: FakeSystemd) -> None:
    fake.errors["SetUnitProperties"] = ("org.freedesktop.DBus.Error.PropertyReadOnly", "Cannot set\nMemoryHigh")
    jobs.start("i", Contain(UNIT, 100 * MIB), 100.0)
    (told,) = reports(jobs, fake)
    assert (told.outcome.ok, told.outcome.words) == (False, "set-property refused: Cannot set; MemoryHigh")


def test_where_nobody_listens_systemctl_sets_them(jobs: Jobs, tmp_path: Path) -> None:
    jobs.start("i", Contain(UNIT, 4096), 100.0)
    assert reports(jobs)[0].outcome.ok
    assert (tmp_path / "calls").read_text() == "--no-ask-password --runtime set-property -- a.service MemoryHigh=4096\n"


def test_bounds_and_stops_side_by_side_each_have_their_own_end(jobs: Jobs, fake: FakeSystemd) -> None:
    fake.results[UNIT] = ["failed"]
    jobs.start("bound", Contain(UNIT, 4096), 100.0)
    jobs.start("stop", StopUnit(UNIT, "a"), 100.0)
    assert {told.intent_id: told.outcome.ok for told in reports(jobs, fake, count=2)} == {"bound": True, "stop": False}


def test_a_silent_systemd_holds_up_no_tick_and_is_given_up_in_words(jobs: Jobs, fake: FakeSystemd) -> None:
    fake.frozen = True
    jobs.start("i", Contain(UNIT, 100 * MIB), 100.0)
    found: list[EffectReport] = []
    now, slowest = 100.0, 0.0
    while not found and now < 100.0 + 2 * BOUND_DEADLINE_SECONDS:
        began = time.monotonic()
        found += jobs.poll(now)
        slowest = max(slowest, time.monotonic() - began)
        now += 0.5
    assert slowest < 0.1
    assert [(told.outcome.ok, told.outcome.words) for told in found] == [
        (False, "set-property failed: systemd does not answer within 1min")]
    assert BOUND_DEADLINE_SECONDS - 5 <= (found[0].took_seconds or 0.0) <= BOUND_DEADLINE_SECONDS


def test_a_systemd_that_wakes_up_after_a_while_is_asked_once(jobs: Jobs, fake: FakeSystemd) -> None:
    fake.frozen = True
    jobs.start("i", Contain(UNIT, 100 * MIB), 100.0)
    now = 100.0
    while now < 130.0:
        assert jobs.poll(now) == ()
        now += 0.25
    fake.frozen = False
    assert reports(jobs, fake, now=145.0)[0].outcome.ok
    assert len(fake.asked("SetUnitProperties")) == 1


def test_a_connection_that_closes_in_the_middle_of_the_call_leads_to_a_second_one(jobs: Jobs,
                                                                                fake: FakeSystemd) -> None:
    fake.hangs_up_at = "SetUnitProperties"
    jobs.start("i", Contain(UNIT, 100 * MIB), 100.0)
    served(jobs, fake, 1)
    for _ in range(5):
        fake.serve()
        assert jobs.poll(100.5) == ()
    assert jobs.running
    fake.hangs_up_at = None
    assert reports(jobs, fake, now=102.0)[0].outcome.ok
    assert len(fake.asked("SetUnitProperties")) == 2


def test_what_is_no_name_of_a_unit_is_never_sent(jobs: Jobs, fake: FakeSystemd) -> None:
    jobs.start("i", Contain("../a.service", 4096), 100.0)
    assert reports(jobs, fake)[0].outcome.words == "that is not the name of a unit"
    assert fake.calls == []


def test_a_release_leaves_no_drop_in_and_spares_those_of_others(jobs: Jobs, fake: FakeSystemd, tmp_path: Path) -> None:
    ours, others = drop_in(tmp_path), drop_in(tmp_path, "50-CPUWeight.conf")
    jobs.start("i", Release(UNIT, UNLIMITED_BYTES, forget=True), 100.0)
    assert reports(jobs, fake)[0].outcome.words == "set-property done"
    assert (ours.exists(), others.exists()) == (False, True)
    others.unlink()
    ours.touch()
    jobs.start("j", Release(UNIT, UNLIMITED_BYTES, forget=True), 100.0)
    reports(jobs, fake)
    assert not ours.parent.exists()


def test_what_was_set_at_runtime_before_us_keeps_its_drop_in(jobs: Jobs, fake: FakeSystemd, tmp_path: Path) -> None:
    ours = drop_in(tmp_path)
    jobs.start("i", Release(UNIT, 200 * MIB), 100.0)
    assert reports(jobs, fake)[0].outcome.ok
    assert ours.exists()


def test_a_release_that_failed_forgets_nothing(jobs: Jobs, fake: FakeSystemd, tmp_path: Path) -> None:
    fake.errors["SetUnitProperties"] = ("org.x.No", "no")
    ours = drop_in(tmp_path)
    jobs.start("i", Release(UNIT, UNLIMITED_BYTES, forget=True), 100.0)
    assert not reports(jobs, fake)[0].outcome.ok
    assert ours.exists()


def test_a_drop_in_that_cannot_be_removed_is_told(jobs: Jobs, fake: FakeSystemd, tmp_path: Path) -> None:
    drop_in(tmp_path).unlink()
    (tmp_path / "run/systemd/system.control/a.service.d/50-MemoryHigh.conf").mkdir()
    jobs.start("i", Release(UNIT, UNLIMITED_BYTES, forget=True), 100.0)
    (told,) = reports(jobs, fake)
    assert told.outcome == Outcome(True, "set-property done; its drop-in could not be removed: Is a directory")
