"""The morning page every morning: the timer and its service as systemd sees them, and the line for cron."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from click import Context

from watchdog_oom.cli.report.command import report

ROOT = Path(__file__).parent.parent
UNITS = [ROOT / "systemd" / f"watchdog-oom-report.{kind}" for kind in ("service", "timer")]
CRON = ROOT / "packaging" / "watchdog-oom-report.cron"
RULES = (ROOT / "packaging" / "debian" / "rules").read_text()
needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, timeout=30, check=False)


@needs_systemd
def test_systemd_finds_nothing_wrong_with_them(tmp_path: Path) -> None:
    copies = []
    for unit in UNITS:
        copies.append(tmp_path / unit.name)
        copies[-1].write_text(unit.read_text().replace("/usr/bin/watchdog-oom", "/bin/true"))
    done = analyze("verify", "--man=no", *map(str, copies))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@needs_systemd
def test_the_service_may_do_next_to_nothing() -> None:
    done = analyze("security", "--offline=true", "--no-pager", str(UNITS[0]))
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert found is not None, done.stdout + done.stderr
    assert float(found[1]) < 2.0


@needs_systemd
def test_it_comes_at_half_past_six() -> None:
    calendar = re.search(r"^OnCalendar=(.*)$", UNITS[1].read_text(), re.MULTILINE)
    assert calendar is not None
    done = analyze("calendar", "--base-time=2026-03-01 12:00:00", calendar[1])
    assert "06:30:00" in done.stdout


@pytest.mark.parametrize("line", [
    *re.findall(r"^ExecStart=(.*)$", UNITS[0].read_text(), re.MULTILINE),
    *re.findall(r"^30 6 \* \* \*  root  nice -n 19 (.*)$", CRON.read_text(), re.MULTILINE)])
def test_what_they_call_is_a_call_of_the_command_that_is_silent_of_a_quiet_night(line: str) -> None:
    program, command, *arguments = shlex.split(line)
    assert (program.rpartition("/")[2], command) == ("watchdog-oom", "report")
    context: Context = report.make_context("report", arguments)
    assert context.params["unless_quiet"]


def test_both_have_a_call() -> None:
    assert UNITS[0].read_text().count("ExecStart=") == CRON.read_text().count("\n30 6 * * *") == 1


def test_the_package_installs_them_and_enables_the_timer_for_nobody() -> None:
    installed = (ROOT / "packaging" / "debian" / "watchdog-oom.install").read_text()
    for unit in UNITS:
        assert unit.is_file()
    assert "systemd/* lib/systemd/system/" in installed
    assert "DAEMON = watchdog-oomd.service\n" in RULES
    assert "OTHER_UNITS = $(filter-out $(DAEMON), $(notdir $(wildcard systemd/*.service systemd/*.timer)))" in RULES
    assert "dh_installsystemd --no-enable --no-start $(OTHER_UNITS)" in RULES
    assert CRON.name in (ROOT / "packaging" / "debian" / "watchdog-oom.examples").read_text()
