"""A case that begins with a moment of a recorded night."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.core.build import memory, proc
from tests.recorder.nights import MIDNIGHT, at, record
from watchdog_oom.cli import cli
from watchdog_oom.core.model import ServiceState, ServiceStatus, SpoolState

POLICY = """
[process.big]
exe = "/usr/bin/big"
[service.a]
unit = "a.service"
[spool.s]
path = "/var/s"
entries = "*"
stale_after = "1h"
[limit.big]
process = "big"
rss = "100MiB"
runtime = "10min"
exceeds = "all"
[recover.a]
when = [{ service = "a", failed = true }, { spool = "s", stale_above = 5 }]
steps = [{ purge = "s" }, { start = ["a"] }]
verify = false
"""
Ask = Callable[..., Result]


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """A night with a process that is large from its second minute on."""
    (tmp_path / "policy.toml").write_text(POLICY)
    night = []
    for minute in range(6):
        wall = MIDNIGHT + 60 * minute
        big = proc(70, "big", exe="/usr/bin/big", rss=300 if minute > 1 else 20)
        night.append(at(wall, big, proc(1, "init"), memory=memory(60.0),
                        services={"a": ServiceState("a.service", ServiceStatus.FAILED, 0.0)},
                        spools={"s": SpoolState(0.0, None, 10, 7)}))
    (tmp_path / "flight").mkdir()
    record(tmp_path / "flight", night)

    def asked(minute: int, expect: str, more: str = "") -> Result:
        time = datetime.fromtimestamp(MIDNIGHT + 60 * minute + 5).strftime("%H:%M:%S")
        (tmp_path / "it.test.toml").write_text(
            f'[[case]]\nname = "it"\nexpect = ["{expect}"]\n[case.host]\nrecording = "flight@{time}"\n{more}\n')
        return CliRunner().invoke(cli, ["test", "--plans", str(tmp_path / "it.test.toml")])
    return asked


def test_the_host_is_as_it_was_at_that_time(ask: Ask) -> None:
    assert ask(3, "TERM big[70]").exit_code == 0
    early = ask(1, "TERM big[70]")
    assert early.exit_code == 1
    assert "holds 20 MiB" in early.output


def test_services_and_spools_are_as_they_were_unless_the_case_says_otherwise(ask: Ask) -> None:
    assert ask(3, "start a.service").exit_code == 0
    assert ask(3, "purge s").exit_code == 0
    otherwise = ask(3, "start a.service", 'services = { a = "active" }\nspools = { s = { stale = 1 } }')
    assert otherwise.exit_code == 1


def test_processes_can_be_added(ask: Ask) -> None:
    done = ask(1, "TERM big[71] [limit.big]", 'processes = [{ noun = "big", rss = "1GiB", age = "1h" }]')
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize(("minute", "more", "told"), [
    (-60, "", "nothing was recorded at"),
    (3, 'memory = "1GiB"', "a recording has its own memory: give one of the two")])
def test_what_cannot_be_had_of_a_recording_is_told_with_its_line(ask: Ask, minute: int, more: str, told: str) -> None:
    done = ask(minute, "x", more)
    assert done.exit_code == 2
    assert "it.test.toml:5: [case] #1 host recording: " in done.output
    assert told in done.output


@pytest.mark.parametrize(("recording", "told"), [
    ("flight", "write FILE@TIME"), ("gone@03:12", "No such file"), ("policy.toml@03:12", "is no recording"),
    ("flight@half", "is not a time")])
def test_what_is_no_recording_is_told(ask: Ask, tmp_path: Path, recording: str, told: str) -> None:
    ask(1, "x")
    path = tmp_path / "it.test.toml"
    path.write_text(f'[[case]]\nname = "it"\nexpect = "x"\n[case.host]\nrecording = "{recording}"\n')
    done = CliRunner().invoke(cli, ["test", str(path)])
    assert done.exit_code == 2
    assert f"{path}:5: [case] #1 host recording: " in done.output
    assert told in done.output
