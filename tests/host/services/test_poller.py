"""The states of services queried in the background: when, how often, and the age an answer claims."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.host.services.own_children import OwnChildren
from watchdog_oom.core.model import ServiceState, ServiceStatus
from watchdog_oom.host.services.lsb import Lsb
from watchdog_oom.host.services.poller import StatusPoller

BY_PID_FILE = """
echo asked >> {dir}/calls
[ -e {dir}/pid ] || exit 3
kill -0 $(cat {dir}/pid) || exit 1
"""


def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


def script(directory: Path, name: str, body: str) -> None:
    path = directory / name
    path.write_text("#!/bin/sh\n" + body.replace("{dir}", str(directory)))
    path.chmod(0o755)


@pytest.fixture
def poller(tmp_path: Path) -> Iterator[StatusPoller]:
    before = len(os.listdir("/proc/self/fd"))
    own = OwnChildren()
    poller = StatusPoller(Lsb(str(tmp_path)))
    yield poller
    poller.close()
    assert len(os.listdir("/proc/self/fd")) == before
    until(own.all_reaped)


def answered(poller: StatusPoller, now: float) -> None:
    """Wait as the loop does until all queries are answered."""
    end = time.monotonic() + 10
    while asks_a_program():
        assert time.monotonic() < end
        select.select([poller], [], [], 0.5)
        poller.poll(now)


def asks_a_program() -> bool:
    """Whether the poller has a child that was not reaped yet."""
    return bool(OwnChildren.latest.there())


def asked(directory: Path) -> int:
    calls = directory / "calls"
    return len(calls.read_text().splitlines()) if calls.exists() else 0


def test_a_state_is_as_old_as_its_question(poller: StatusPoller, tmp_path: Path) -> None:
    script(tmp_path, "amavis", BY_PID_FILE)
    (tmp_path / "pid").write_text(str(os.getpid()))
    poller.ask(["amavis"], 100.0)
    assert poller.states == {}
    answered(poller, 103.0)
    assert poller.states == {"amavis": ServiceState("amavis", ServiceStatus.ACTIVE, 100.0, words="running")}


def test_running_dead_and_stopped_are_told_apart(poller: StatusPoller, tmp_path: Path) -> None:
    script(tmp_path, "amavis", BY_PID_FILE)
    found = []
    for now, pid in ((0.0, str(os.getpid())), (20.0, "99999999"), (40.0, None)):
        (tmp_path / "pid").unlink(missing_ok=True)
        if pid is not None:
            (tmp_path / "pid").write_text(pid)
        poller.ask(["amavis"], now)
        answered(poller, now)
        found.append(poller.states["amavis"].status)
    assert found == [ServiceStatus.ACTIVE, ServiceStatus.FAILED, ServiceStatus.INACTIVE]


def test_units_are_asked_every_ten_seconds_and_soon_ones_twice_a_second(poller: StatusPoller, tmp_path: Path) -> None:
    script(tmp_path, "amavis", BY_PID_FILE)
    counts = []
    for now, often in ((100.0, ()), (109.9, ()), (110.0, ()), (110.4, ("amavis",)), (110.5, ("amavis",))):
        poller.ask(["amavis"], now, often=often)
        answered(poller, now)
        counts.append(asked(tmp_path))
    assert counts == [1, 1, 2, 2, 3]


def test_a_unit_whose_answer_is_awaited_is_not_asked_again(poller: StatusPoller, tmp_path: Path) -> None:
    script(tmp_path, "amavis", "echo asked >> {dir}/calls; while ! [ -e {dir}/go ]; do sleep 0.02; done")
    for now in (100.0, 101.0, 102.0):
        poller.ask(["amavis"], now, often=["amavis"])
    until(lambda: asked(tmp_path) == 1)
    (tmp_path / "go").touch()
    answered(poller, 103.0)
    assert asked(tmp_path) == 1
    assert poller.states["amavis"].sensed_boottime == 100.0


def test_few_units_are_asked_at_once_and_all_in_turn(poller: StatusPoller, tmp_path: Path) -> None:
    units = [f"s{number}" for number in range(7)]
    for unit in units:
        script(tmp_path, unit, "echo asked >> {dir}/calls; while ! [ -e {dir}/go ]; do sleep 0.02; done")
    for now in (100.0, 101.0, 102.0):
        poller.ask(units, now, often=units)
    until(lambda: asked(tmp_path) == 4)
    (tmp_path / "go").touch()
    answered(poller, 103.0)
    assert sorted(poller.states) == units[:4]
    poller.ask(units, 103.0, often=units[:4])
    answered(poller, 103.0)
    assert set(poller.states) >= set(units[4:])


def test_a_script_that_hangs_leaves_the_state_unknown(poller: StatusPoller, tmp_path: Path) -> None:
    script(tmp_path, "amavis", "sleep 60")
    poller.ask(["amavis"], 100.0)
    poller.poll(109.9)
    assert poller.states == {}
    poller.poll(110.0)
    assert poller.states["amavis"] == ServiceState("amavis", ServiceStatus.UNKNOWN, 100.0, words="no answer within 10s")


def test_units_that_are_not_there_are_missing(poller: StatusPoller) -> None:
    poller.ask(["clamd", "../bin/true"], 100.0)
    answered(poller, 100.0)
    assert {unit: state.status for unit, state in poller.states.items()} == {
        "clamd": ServiceStatus.MISSING, "../bin/true": ServiceStatus.MISSING}


def test_units_no_longer_asked_for_are_forgotten(poller: StatusPoller, tmp_path: Path) -> None:
    script(tmp_path, "amavis", "exit 0")
    script(tmp_path, "clamd", "exit 0")
    poller.ask(["amavis"], 100.0)
    answered(poller, 100.0)
    poller.ask(["clamd"], 100.0)
    assert poller.states == {}
    poller.ask([], 100.0)
    answered(poller, 100.0)
    assert poller.states == {}


def test_a_service_that_goes_on_running_is_asked_for_less_often_while_no_process_ends(
        poller: StatusPoller, tmp_path: Path) -> None:
    script(tmp_path, "amavis", BY_PID_FILE)
    (tmp_path / "pid").write_text(str(os.getpid()))
    at = []
    for second in range(130):
        before = asked(tmp_path)
        poller.ask(["amavis"], 100.0 + second, calm=second > 0)
        answered(poller, 100.0 + second)
        at += [second] * (asked(tmp_path) - before)
    assert at == [0, 10, 30, 60, 90, 120]


def test_when_a_process_has_ended_every_service_is_asked_for_after_ten_seconds_again(
        poller: StatusPoller, tmp_path: Path) -> None:
    script(tmp_path, "amavis", BY_PID_FILE)
    (tmp_path / "pid").write_text(str(os.getpid()))
    for now in (100.0, 110.0, 130.0):
        poller.ask(["amavis"], now, calm=True)
        answered(poller, now)
    (tmp_path / "pid").write_text("99999999")
    poller.ask(["amavis"], 141.0, calm=True)
    assert asked(tmp_path) == 3
    poller.ask(["amavis"], 142.0, calm=False)
    answered(poller, 142.0)
    assert poller.states["amavis"].status is ServiceStatus.FAILED


def test_a_service_that_is_down_is_asked_for_every_ten_seconds_however_calm_it_is(
        poller: StatusPoller, tmp_path: Path) -> None:
    script(tmp_path, "amavis", BY_PID_FILE)
    for now in (100.0, 110.0, 120.0, 130.0):
        poller.ask(["amavis"], now, calm=True)
        answered(poller, now)
    assert asked(tmp_path) == 4
