"""Whose night it is: another host's journal is told under that host's name, and with nothing of this host in it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tests.kernel_log.reports import GLOBAL_6_1
from tests.recorder.nights import at, record
from watchdog_oom.cli.report.kernel_log import of_this_host
from watchdog_oom.journal import Journal, Kind, Moment, Record
from watchdog_oom.recorder.reading import samples
from watchdog_oom.report.model import NightSpan

Run = Callable[..., Result]


@pytest.fixture
def left(tmp_path: Path) -> Path:
    """A journal of another host, whose daemon began two days ago."""
    log = tmp_path / "log"
    log.mkdir(mode=0o700)
    walls = iter((time.time() - 2 * 86_400, time.time() - 3600))
    journal = Journal(str(log), boot_id="b", clocks=lambda: Moment(next(walls), 0.0))
    journal.open()
    journal.append(Record(Kind.START, detail={"host": "mx1.example"}))
    journal.append(Record(Kind.INCIDENT, rule="recover.x", result="opened", because=("x",), incident="x-1"))
    journal.close()
    return log


def test_a_journal_of_another_host_is_titled_with_that_hosts_name(run: Run, left: Path, tmp_path: Path) -> None:
    asked = ["--log", left, "--runtime", tmp_path]
    assert json.loads(run("report", *asked, "--json").stdout)["host"] == "mx1.example"
    assert "\nmx1.example, " in run("report", *asked).output
    page = run("report", *asked, "-o", "-").output
    assert "mx1.example, " in page.partition("</title>")[0]
    assert os.uname().nodename not in page


def test_the_name_in_the_recording_is_that_of_the_night(run: Run, left: Path, tmp_path: Path) -> None:
    flight = left / "flight"
    flight.mkdir(mode=0o700)
    record(flight, [at(time.time() - 1800 + second) for second in range(0, 60, 10)])
    asked = ["--log", left, "--runtime", tmp_path]
    assert json.loads(run("report", *asked, "--json").stdout)["host"] == "mail.example"
    cut = left / "cut"
    assert run("record", "--log", left, "--anonymize", "-o", cut).exit_code == 0
    (hidden,) = {sample.about["host"] for sample in samples(str(cut)) if sample.about}
    for name in flight.iterdir():
        name.unlink()
    cut.rename(flight / f"{time.strftime('%Y%m%dT%H', time.gmtime())}.jsonl.gz")
    assert json.loads(run("report", *asked, "--json").stdout)["host"] == hidden != "mail.example"


def test_the_status_of_the_daemon_here_says_nothing_of_another_host(run: Run, left: Path) -> None:
    told = " ".join(run("report", "--log", left).output.split())
    assert "The journal is of mx1.example, not of this host" in told


def test_a_host_that_nobody_named_has_no_name(run: Run, tmp_path: Path) -> None:
    assert json.loads(run("report", "--log", tmp_path, "--runtime", tmp_path, "--json").stdout)["host"] == ""


def test_kills_of_another_host_are_found_in_the_log_that_is_named(run: Run, left: Path, tmp_path: Path) -> None:
    before = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() - 1800))
    log = tmp_path / "kern.log"
    log.write_text("".join(f"{before}+00:00 mx1 kernel: {line}\n" for line in GLOBAL_6_1.splitlines()))
    told = json.loads(run("report", "--log", left, "--runtime", tmp_path, "--kernel-log", log, "--json").stdout)
    assert [(kill["name"], kill["source"]) for kill in told["kernel_kills"]] == [("indexer", str(log))]
    assert len(told["kernel_reports"]) == 1
    none = json.loads(run("report", "--log", left, "--runtime", tmp_path, "--json").stdout)
    assert none["kernel_kills"] == []
    missing = run("report", "--log", left, "--runtime", tmp_path, "--kernel-log", tmp_path / "no")
    assert (missing.exit_code, "no: No such file" in missing.stderr) == (2, True)


def test_the_log_of_this_host_is_found_or_it_is_said_why_not() -> None:
    log = of_this_host(NightSpan(time.time() - 60, time.time()))
    assert bool(log.name) is not bool(log.problem)
    list(log.events)
