"""systemd by systemctl: its answers as states, aliases, masks, and start limits."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.core.model import ServiceState, ServiceStatus
from watchdog_oom.host.services.systemd.systemctl import Systemctl, parse_properties

RUNNING = {"Id": "amavis.service", "LoadState": "loaded", "ActiveState": "active", "SubState": "running",
           "Result": "success", "MainPID": "812", "UnitFileState": "enabled", "NRestarts": "0"}


def answer(unit: str = "amavis", exit_status: int = 0, **changed: str) -> ServiceState:
    text = "\n".join(f"{key}={value}" for key, value in (RUNNING | changed).items())
    return Systemctl().parse_status(unit, exit_status, text, 7.5)


def test_jobs_never_reverse_an_operators_and_a_name_is_never_an_option() -> None:
    assert Systemctl().stop("amavis") == (
        "systemctl", "--no-ask-password", "--job-mode=fail", "stop", "--", "amavis.service")
    assert Systemctl().start("amavis.socket")[-3:] == ("start", "--", "amavis.socket")


def test_a_running_unit_is_active_with_its_main_process() -> None:
    assert answer() == ServiceState("amavis", ServiceStatus.ACTIVE, 7.5, 812, "active (running)")


def test_the_control_group_is_where_systemctl_says_and_asked_for_with_the_state() -> None:
    assert answer(ControlGroup="/web.slice/amavis.service").control_group == "/web.slice/amavis.service"
    assert "ControlGroup" in Systemctl().status("amavis")[4].split(",")


@pytest.mark.parametrize(("active", "sub", "status", "words"), [
    ("active", "exited", ServiceStatus.ACTIVE, "active (exited)"),
    ("reloading", "reload", ServiceStatus.ACTIVE, "reloading (reload)"),
    ("activating", "auto-restart", ServiceStatus.CHANGING, "activating (auto-restart)"),
    ("deactivating", "stop-sigterm", ServiceStatus.CHANGING, "deactivating (stop-sigterm)"),
    ("inactive", "dead", ServiceStatus.INACTIVE, "inactive (dead)"),
    ("failed", "failed", ServiceStatus.FAILED, "failed"),
    ("quantum", "both", ServiceStatus.UNKNOWN, "quantum (both)")])
def test_every_state_of_systemd_has_one_of_ours(active: str, sub: str, status: ServiceStatus, words: str) -> None:
    state = answer(ActiveState=active, SubState=sub)
    assert (state.status, state.words) == (status, words)


def test_the_words_tell_why_it_failed_how_often_and_under_which_name() -> None:
    state = answer("mysql", Id="mariadb.service", ActiveState="failed", SubState="failed", Result="oom-kill",
                   NRestarts="3", UnitFileState="disabled")
    assert state.unit == "mysql"
    assert state.words == "failed, oom-kill, restarts: 3, disabled, is mariadb.service"


@pytest.mark.parametrize(("load", "active", "words"), [
    ("not-found", "inactive", "there is no such unit"),
    ("masked", "inactive", "the unit is masked; only the operator can unmask it"),
    ("masked", "active", "the unit is masked; only the operator can unmask it; it is active (running)"),
    ("bad-setting", "inactive", "its unit file has a bad setting")])
def test_what_could_not_be_started_again_is_missing_even_while_it_runs(load: str, active: str, words: str) -> None:
    state = answer(LoadState=load, ActiveState=active)
    assert (state.status, state.words) == (ServiceStatus.MISSING, words)


@pytest.mark.parametrize(("exit_status", "text", "words"), [
    (1, "Failed to connect to bus: No such file or directory", "Failed to connect to bus: No such file or directory"),
    (127, "systemctl: No such file or directory", "systemctl: No such file or directory"),
    (0, "", "systemctl ended with status 0"), (137, "", "systemctl was ended by SIGKILL")])
def test_no_answer_is_unknown_and_says_why(exit_status: int, text: str, words: str) -> None:
    state = Systemctl().parse_status("amavis", exit_status, text, 7.5)
    assert (state.status, state.words) == (ServiceStatus.UNKNOWN, words)


@given(st.text(), st.integers(0, 255))
def test_no_answer_whatever_it_says_is_an_error(text: str, exit_status: int) -> None:
    assert Systemctl().parse_status("x", exit_status, text, 0.0).words.isprintable()
    assert Systemctl().parse_status("x", exit_status, f"ActiveState={text}\nMainPID={text}", 0.0).words.isprintable()


def test_lines_that_are_no_properties_are_left_out() -> None:
    assert parse_properties("Warning: a=b\nId=x.service\nResult=\n=\nText=a=b") == {
        "Id": "x.service", "Result": "", "Text": "a=b"}


def test_a_start_limit_is_reset_and_nothing_else_is() -> None:
    manager = Systemctl()
    limit = ("Job for amavis.service failed because start of the service was attempted too often.\n"
             'See "systemctl status amavis.service" and "journalctl -xeu amavis.service" for details.')
    assert manager.before_retry("amavis", limit) == (
        "systemctl", "--no-ask-password", "reset-failed", "--", "amavis.service")
    assert manager.before_retry("amavis", "Unit amavis.service is masked.") is None


def test_a_failure_is_told_in_systemctls_own_words() -> None:
    assert Systemctl().judge("start", 0, "") == (True, "start done")
    assert Systemctl().judge("start", 5, "Unit x.service not found.\n") == (
        False, "start failed, systemctl ended with status 5: Unit x.service not found.")


def test_a_unit_exists_by_its_file_its_alias_its_template_or_its_init_script(tmp_path: Path) -> None:
    for place in ("etc/systemd/system", "lib/systemd/system", "etc/init.d"):
        (tmp_path / place).mkdir(parents=True)
    (tmp_path / "lib/systemd/system/mariadb.service").touch()
    (tmp_path / "lib/systemd/system/postgresql@.service").touch()
    (tmp_path / "etc/systemd/system/mysql.service").symlink_to("/lib/systemd/system/mariadb.service")
    (tmp_path / "etc/init.d/amavis").touch()
    manager = Systemctl(root=str(tmp_path))
    names = ("mariadb", "mysql.service", "postgresql@15-main", "amavis", "amavis.socket", "clamd", "../../etc/passwd")
    assert [manager.exists(name) for name in names] == [True, True, True, True, False, False, False]
