"""Init scripts: how they are called, and what their exit statuses mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchdog_oom.core.model import ServiceState, ServiceStatus
from watchdog_oom.host.services.lsb import Lsb


def state(exit_status: int, text: str = "") -> ServiceState:
    return Lsb().parse_status("amavis", exit_status, text, 7.5)


def test_debians_own_scripts_are_called_through_service() -> None:
    assert Lsb().stop("amavis.service") == ("service", "amavis", "stop")
    assert Lsb().start("amavis") == ("service", "amavis", "start")
    assert Lsb().status("amavis") == ("service", "amavis", "status")


def test_scripts_elsewhere_are_called_directly(tmp_path: Path) -> None:
    assert Lsb(str(tmp_path)).stop("amavis.service") == (f"{tmp_path}/amavis", "stop")


@pytest.mark.parametrize(("exit_status", "status"), [
    (0, ServiceStatus.ACTIVE), (1, ServiceStatus.FAILED), (2, ServiceStatus.FAILED), (3, ServiceStatus.INACTIVE),
    (4, ServiceStatus.UNKNOWN), (5, ServiceStatus.UNKNOWN), (127, ServiceStatus.UNKNOWN), (137, ServiceStatus.UNKNOWN)])
def test_the_standards_statuses_are_understood(exit_status: int, status: ServiceStatus) -> None:
    answer = state(exit_status, "amavis: something")
    assert (answer.status, answer.unit, answer.sensed_boottime) == (status, "amavis", 7.5)
    assert answer.words


@pytest.mark.parametrize(("exit_status", "text"), [
    (1, "amavis: unrecognized service"), (127, "/etc/init.d/amavis: No such file or directory")])
def test_a_script_that_is_not_there_is_missing_rather_than_dead(exit_status: int, text: str) -> None:
    assert state(exit_status, text).status is ServiceStatus.MISSING


def test_a_script_that_lacks_a_file_of_its_own_is_not_missing() -> None:
    text = "checking\n/etc/init.d/amavis: 12: .: /etc/default/amavis: No such file or directory"
    assert state(127, text).status is ServiceStatus.UNKNOWN


@pytest.mark.parametrize("exit_status", [0, 1, 2, 3, 64])
@pytest.mark.parametrize("text", [
    "Usage: /etc/init.d/amavis {start|stop|restart}", "amavis: no such argument\n * usage: amavis (start|stop)"])
def test_a_script_that_does_not_know_status_is_unknown_rather_than_stopped_or_running(
        exit_status: int, text: str) -> None:
    answer = state(exit_status, text)
    assert (answer.status, answer.words) == (ServiceStatus.UNKNOWN, "its script does not support status")
    assert not answer.knowable


@pytest.mark.parametrize("text", ["amavis is running\nMemory usage: 12 MB", "usage: 3% of 5 children"])
def test_a_running_service_that_tells_of_its_usage_runs(text: str) -> None:
    assert state(0, text).status is ServiceStatus.ACTIVE


def test_a_state_is_knowable_unless_the_script_itself_cannot_tell_it() -> None:
    assert [state(status).knowable for status in (0, 1, 2, 3, 4, 127)] == [True, True, True, True, False, False]


@pytest.mark.parametrize(("verb", "exit_status", "text", "ok", "words"), [
    ("stop", 0, "Stopping", True, "stop done"), ("stop", 7, "", True, "it was not running"),
    ("start", 7, "", False, "start failed: it is not running"),
    ("start", 5, "", False, "start failed: it is not installed"),
    ("start", 6, "no key\nat all", False, "start failed: it is not configured: no key; at all"),
    ("start", 1, "x: unrecognized service", False, "start failed: it is not installed: x: unrecognized service"),
    ("stop", 99, "", False, "stop ended with status 99"), ("stop", 143, "", False, "stop was ended by SIGTERM")])
def test_actions_are_judged_by_the_table(verb: str, exit_status: int, text: str, ok: bool, words: str) -> None:
    assert Lsb().judge(verb, exit_status, text) == (ok, words)


def test_a_service_exists_when_its_script_can_be_executed(tmp_path: Path) -> None:
    manager = Lsb(str(tmp_path / "init.d"))
    (tmp_path / "init.d").mkdir()
    (tmp_path / "init.d/amavis").touch(0o755)
    (tmp_path / "init.d/README").touch(0o644)
    (tmp_path / "outside").touch(0o755)
    names = ("amavis", "amavis.service", "README", "amavis.socket", "clamd", "../outside")
    assert [manager.exists(name) for name in names] == [True, True, False, False, False, False]
