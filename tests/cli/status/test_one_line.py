"""``status --check``: one line, the exit statuses that monitors know, figures that they can draw."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from hypothesis import given
from hypothesis import strategies as st

from tests.miniature.daemon import OwnDaemon
from watchdog_oom.cli.daemon_status import StatusFile
from watchdog_oom.cli.status.one_line import CRITICAL, OK, UNKNOWN, WARNING, check_line
from watchdog_oom.errors import NotPermittedError, NotRunningError, WatchdogError

Run = Callable[..., Result]
NOW = 1_800_000_000.0
PERFDATA = re.compile(r"[a-z_]+=-?[0-9.e+]+(%|c)?")


def checked(**more: Any) -> tuple[int, str]:
    status = {"written": NOW - 1, "memory": {"available_percent": 81.5, "swap_free_percent": 100.0},
              "rules": {"limit": ["a"], "recover": ["b"]}} | more
    return check_line(lambda: StatusFile("", status), NOW)


def test_a_calm_daemon_is_ok_with_its_figures() -> None:
    state, line = checked(health={"late_ticks": 3})
    assert state == OK
    assert line == ("WATCHDOG-OOM OK - the daemon runs with 2 rules | available=81.5% swap_free=100% held=0 owed=0 "
                    "emergency=0 late_ticks=3c failed_ticks=0c journal_dropped=0c")


@pytest.mark.parametrize(("more", "words"), [
    ({"written": NOW - 60}, "its status is 1min old"),
    ({"memory_problem": "there is no MemTotal"}, "memory cannot be judged: there is no MemTotal"),
    ({"emergency": "e-1"}, "an emergency is under way"),
    ({"recoveries": {"mail": {"state": "held"}}}, "recover.mail is held"),
    ({"recoveries": {"mail": {"state": "armed", "owed": ["smtp"]}}}, "still down: smtp (recover.mail)"),
    ({"ending": [{"pid": 4711, "name": "cp", "stage": "unkillable"}]}, "1 process cannot be killed"),
])
def test_what_somebody_gets_up_for_is_critical(more: dict[str, Any], words: str) -> None:
    state, line = checked(**more)
    assert (state, line.partition(" - ")[0]) == (CRITICAL, "WATCHDOG-OOM CRITICAL")
    assert words in line


@pytest.mark.parametrize(("more", "words"), [
    ({"policy": {"stale": True, "faults": ["a", "b"]}}, "the policy files are broken (2 faults)"),
    ({"pauses": [{"rule": "all", "until": NOW + 60}]}, "all is paused until"),
    ({"services": {"mail": {"status": "failed"}}}, "service mail is failed"),
    ({"spools": {"vscan": {"problem": "it is a link"}}}, "spool vscan: it is a link"),
    ({"hooks": {"closed": {"ok": False, "last_failure": "exit 1"}}}, "the hook closed failed: exit 1"),
    ({"health": {"journal_dropped": 1}}, "the journal lost 1 record"),
    ({"recorder": {"state": "stopped", "problem": "the disk is full"}}, "flight recorder: the disk is full"),
    ({"health": {"troubles": ["no kernel log"]}}, "no kernel log"),
])
def test_what_can_wait_for_the_morning_is_a_warning(more: dict[str, Any], words: str) -> None:
    state, line = checked(**more)
    assert (state, line.partition(" - ")[0]) == (WARNING, "WATCHDOG-OOM WARNING")
    assert words in line


@pytest.mark.parametrize(("error", "state"), [
    (NotRunningError("the daemon is not running\nstart it"), CRITICAL), (NotPermittedError("run it as root"), UNKNOWN),
    (WatchdogError("status.json: is damaged"), UNKNOWN), (OSError(5, "Input/output error", "status.json"), UNKNOWN)])
def test_no_daemon_is_critical_and_no_answer_is_unknown(error: Exception, state: int) -> None:
    def fail() -> StatusFile:
        raise error
    found, line = check_line(fail, NOW)
    assert found == state and "\n" not in line and "|" not in line


@given(st.text(), st.text())
def test_no_name_and_no_reason_can_break_the_line_or_forge_figures(name: str, problem: str) -> None:
    _, line = checked(spools={name: {"problem": problem + "x"}})
    assert line.isprintable()
    _, figures = line.split("|")
    assert [one for one in figures.split() if not PERFDATA.fullmatch(one)] == []


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[OwnDaemon]:
    tmp_path.chmod(0o755)
    made = OwnDaemon(tmp_path / "daemon", "")
    made.start("--observe")
    yield made
    made.close()


def test_a_real_daemon_is_asked_and_then_missed(watch: OwnDaemon, run: Run) -> None:
    found = run("status", "--check", *watch.options("runtime"))
    assert found.exit_code in (OK, WARNING), found.output  # what it lacks depends on who runs the tests
    assert found.output.count("\n") == 1 and " | available=" in found.output
    watch.stop()
    gone = run("status", "--check", *watch.options("runtime"))
    assert (gone.exit_code, gone.output.splitlines()[0][:41]) == (
        CRITICAL, "WATCHDOG-OOM CRITICAL - the daemon is not")


def test_it_is_no_page_and_no_document(run: Run, tmp_path: Path) -> None:
    for other in ("--json", "--watch"):
        assert run("status", "--check", other, "--runtime", tmp_path).exception is not None
