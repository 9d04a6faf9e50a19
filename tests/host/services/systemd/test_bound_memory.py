"""Memory bounds of units: how systemctl is called, what results, and what is read back."""

from __future__ import annotations

import select
import time
from pathlib import Path

import pytest

from watchdog_oom.core.actions import Contain, Release
from watchdog_oom.core.model import UNLIMITED_BYTES, ServiceState
from watchdog_oom.core.outcome import EffectReport
from watchdog_oom.host.services.jobs import Jobs
from watchdog_oom.host.services.lsb import Lsb
from watchdog_oom.host.services.manager import ServiceManager
from watchdog_oom.host.services.poller import StatusPoller
from watchdog_oom.host.services.systemd.systemctl import Systemctl, memory_bytes

UNIT = "report.service"
# A systemctl with a memory: it keeps what is set, and shows it.
PROGRAM = r"""#!/bin/sh
dir=$(dirname "$0")
echo "$@" >> "$dir/calls"
case "$*" in
  *set-property*) [ -e "$dir/refuse" ] && { echo "Failed to set unit properties: no" >&2; exit 1; }
    for word; do case $word in Memory*) echo "${word}" > "$dir/${word%%=*}";; esac; done;;
  *) echo "Id=report.service"; echo "LoadState=loaded"; echo "ActiveState=active"; echo "SubState=running"
     cat "$dir/MemoryHigh" "$dir/MemoryMax";;
esac
"""


@pytest.fixture
def systemctl(tmp_path: Path) -> Path:
    """A directory with that program in it."""
    (tmp_path / "systemctl").write_text(PROGRAM)
    (tmp_path / "systemctl").chmod(0o755)
    for key in ("MemoryHigh", "MemoryMax"):
        (tmp_path / key).write_text(f"{key}=infinity\n")
    return tmp_path


def manager_of(systemctl: Path) -> Systemctl:
    return Systemctl(str(systemctl / "systemctl"))


def report_of(manager: ServiceManager, step: Contain | Release) -> EffectReport:
    jobs = Jobs(manager)
    jobs.start("i-1", step, time.monotonic())
    end = time.monotonic() + 10
    while not (reports := jobs.poll(time.monotonic())):
        assert time.monotonic() < end
        select.select([jobs.fileno()], [], [], 0.1)
    jobs.close()
    return reports[0]


def state_of(manager: ServiceManager) -> ServiceState:
    poller = StatusPoller(manager)
    end = time.monotonic() + 10
    while UNIT not in poller.states:
        assert time.monotonic() < end
        poller.ask([UNIT], time.monotonic())
        select.select([poller.fileno()], [], [], 0.1)
        poller.poll(time.monotonic())
    poller.close()
    return poller.states[UNIT]


def test_what_is_set_is_read_back_and_given_back(systemctl: Path) -> None:
    manager = manager_of(systemctl)
    before = state_of(manager)
    assert (before.memory_high_bytes, before.memory_max_bytes) == (UNLIMITED_BYTES, UNLIMITED_BYTES)
    assert report_of(manager, Contain(UNIT, 104857600, 209715200)).outcome.words == "set-property done"
    state = state_of(manager)
    assert (state.memory_high_bytes, state.memory_max_bytes) == (104857600, 209715200)
    assert report_of(manager, Release(UNIT, UNLIMITED_BYTES, UNLIMITED_BYTES)).outcome.ok
    assert state_of(manager) == ServiceState(
        UNIT, before.status, pytest.approx(before.sensed_boottime, abs=60), 0, before.words,  # type: ignore[arg-type]
        UNLIMITED_BYTES, UNLIMITED_BYTES)


def test_nothing_outlives_the_boot_and_memory_max_is_only_touched_when_it_is_given(systemctl: Path) -> None:
    report_of(manager_of(systemctl), Contain(UNIT, 4096))
    assert (systemctl / "calls").read_text() == (
        "--no-ask-password --runtime set-property -- report.service MemoryHigh=4096\n")
    assert (systemctl / "MemoryMax").read_text() == "MemoryMax=infinity\n"


def test_a_refusal_by_systemd_is_an_outcome_in_its_words(systemctl: Path) -> None:
    (systemctl / "refuse").touch()
    report = report_of(manager_of(systemctl), Contain(UNIT, 4096))
    assert not report.outcome.ok
    assert "Failed to set unit properties: no" in report.outcome.words


@pytest.mark.parametrize("unit", ["-p.service", "../x.service", "a b.service", ""])
def test_what_is_no_name_of_a_unit_never_becomes_an_argument(systemctl: Path, unit: str) -> None:
    report = report_of(manager_of(systemctl), Contain(unit, 4096))
    assert (report.outcome.ok, report.outcome.words) == (False, "that is not the name of a unit")
    assert not (systemctl / "calls").exists()


def test_without_systemd_it_cannot_be_done_and_that_is_said() -> None:
    report = report_of(Lsb(), Contain(UNIT, 4096))
    assert (report.outcome.ok, report.outcome.words) == (False, "only systemd can set memory bounds on a unit")


@pytest.mark.parametrize(("text", "amount"), [
    ("infinity", UNLIMITED_BYTES), ("0", 0), ("104857600", 104857600), ("18446744073709551615", UNLIMITED_BYTES),
    ("[not set]", None), ("", None), (None, None), ("-1", None), ("1e9", None), ("٣", None), ("9" * 40, None)])
def test_only_a_bound_is_read_as_one(text: str | None, amount: int | None) -> None:
    assert memory_bytes(text) == amount


def test_steps_are_told_in_words() -> None:
    assert str(Contain(UNIT, 100 << 20, 1 << 30)) == "contain report.service: MemoryHigh=100 MiB, MemoryMax=1 GiB"
    assert str(Release(UNIT, UNLIMITED_BYTES)) == "release report.service: MemoryHigh=infinity"
