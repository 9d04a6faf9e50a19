"""Jobs with real init scripts and programs: verdicts, deadlines, and what survives them."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.host.services.own_children import OwnChildren
from watchdog_oom.core.actions import RunCommand, StartUnit, StopUnit
from watchdog_oom.core.nouns import RunProbe
from watchdog_oom.core.outcome import EffectReport, Outcome
from watchdog_oom.host.services.jobs import Jobs
from watchdog_oom.host.services.lsb import Lsb
from watchdog_oom.host.services.systemd.systemctl import Systemctl

GOOD = """
case $1 in
  start) sleep 60 & echo $! > {dir}/pid; echo "Starting amavisd";;
  stop) [ -e {dir}/pid ] || exit 7; kill $(cat {dir}/pid); rm {dir}/pid; echo "Stopping amavisd";;
  *) exit 3;;
esac
"""


def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


def script(directory: Path, name: str, body: str) -> str:
    path = directory / name
    path.write_text("#!/bin/sh\n" + body.replace("{dir}", str(directory)))
    path.chmod(0o755)
    return str(path)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rsplit(b") ", 1)[1][:1] not in b"ZX"
    except OSError:
        return False


def pid_in(path: Path) -> int:
    until(lambda: path.exists() and path.read_text().endswith("\n"))
    return int(path.read_text())


def reap_all() -> None:
    """Reap what was killed and let go of."""
    until(OwnChildren.latest.all_reaped)


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    OwnChildren()
    before = len(os.listdir("/proc/self/fd"))
    jobs = Jobs(Lsb(str(tmp_path)), output_dir=str(tmp_path))
    yield jobs
    jobs.close()
    assert len(os.listdir("/proc/self/fd")) == before
    for line in tmp_path.glob("*pid"):
        if alive(int(line.read_text())):
            os.kill(int(line.read_text()), signal.SIGKILL)
    reap_all()  # who reads a service's output ends with the service


def report(jobs: Jobs, now: float = 101.0) -> EffectReport:
    """The next report, waited for as the loop does."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        reports = jobs.poll(now)
        if reports:
            assert len(reports) == 1
            return reports[0]
        select.select([jobs], [], [], 0.5)
    raise AssertionError("no report came")


def test_a_service_is_stopped_and_started_by_its_init_script(jobs: Jobs, tmp_path: Path) -> None:
    script(tmp_path, "amavis", GOOD)
    jobs.start("i-1", StartUnit("amavis.service", "amavis"), 100.0)
    assert jobs.running == {"i-1"}
    assert report(jobs) == EffectReport("i-1", Outcome(True, "start done"), 1.0, 101.0)
    service = pid_in(tmp_path / "pid")
    assert alive(service)
    jobs.start("i-2", StopUnit("amavis", "amavis"), 102.0)
    assert report(jobs, 103.0).outcome.ok
    until(lambda: not alive(service))
    jobs.start("i-3", StopUnit("amavis", "amavis"), 104.0)
    assert report(jobs, 105.0) == EffectReport("i-3", Outcome(True, "it was not running"), 1.0, 105.0)


def test_a_service_that_keeps_its_scripts_output_open_is_not_waited_for(jobs: Jobs, tmp_path: Path) -> None:
    script(tmp_path, "clamd", "(while :; do echo noise; sleep 0.01; done) & echo $! > {dir}/pid")
    jobs.start("i", StartUnit("clamd", "clamd"), 100.0)
    assert report(jobs).outcome.ok
    service = pid_in(tmp_path / "pid")
    jobs.close()
    time.sleep(0.05)
    assert alive(service)


def test_a_script_that_fails_is_told_in_its_own_words(jobs: Jobs, tmp_path: Path) -> None:
    script(tmp_path, "amavis", "echo Starting amavisd; printf 'no \\033[31mmemory\\n' >&2; exit 1")
    jobs.start("i", StartUnit("amavis", "amavis"), 100.0)
    result = report(jobs)
    assert not result.outcome.ok
    assert result.outcome.words == "start failed: Starting amavisd; no \\x1b[31mmemory"


def test_a_script_that_is_not_there_is_not_installed(jobs: Jobs) -> None:
    jobs.start("i", StartUnit("nothing", "nothing"), 100.0)
    assert report(jobs).outcome.words.startswith("start failed: it is not installed")


@pytest.mark.parametrize("unit", ["../../bin/sh", "-x", ""])
def test_what_is_no_name_of_a_unit_is_never_executed(jobs: Jobs, unit: str) -> None:
    jobs.start("i", StopUnit(unit, "x"), 100.0)
    (told,) = jobs.poll(100.0)
    assert told.outcome.words == "that is not the name of a unit"
    assert jobs.poll(100.0) == ()


def test_a_hanging_start_is_killed_but_not_the_daemon_it_has_started(jobs: Jobs, tmp_path: Path) -> None:
    script(tmp_path, "clamd", "sleep 60 & echo $! > {dir}/pid; echo $$ > {dir}/script-pid; echo waiting; exec sleep 60")
    jobs.start("i", StartUnit("clamd", "clamd", 300.0), 100.0)
    service, starter = pid_in(tmp_path / "pid"), pid_in(tmp_path / "script-pid")
    assert jobs.poll(399.0) == ()
    (result,) = jobs.poll(400.0)
    assert (result.outcome.ok, result.took_seconds) == (False, 300.0)
    assert result.outcome.words.startswith("did not end within 5min and was killed")
    until(lambda: not alive(starter))
    time.sleep(0.05)
    assert alive(service)


@pytest.mark.parametrize("step", [
    StopUnit("hang", "hang"), StopUnit("hang", "hang", 30.0), RunCommand(("{dir}/hang",), 120.0)])
def test_a_hanging_stop_or_program_is_killed_with_all_it_started(jobs: Jobs, tmp_path: Path,
                                                               step: StopUnit | RunCommand) -> None:
    hang = script(tmp_path, "hang", "sleep 60 & echo $! > {dir}/pid; wait")
    jobs.start("i", replace(step, argv=(hang,)) if isinstance(step, RunCommand) else step, 100.0)
    helper = pid_in(tmp_path / "pid")
    assert jobs.poll(219.9) == ()
    (result,) = jobs.poll(220.0)
    assert result.outcome.words == "did not end within 2min and was killed"
    until(lambda: not alive(helper))


def test_a_program_is_run_without_a_shell(jobs: Jobs) -> None:
    jobs.start("i", RunCommand(("echo", "$HOME; reboot", "*"), 30.0), 100.0)
    assert report(jobs).outcome.words == "done: $HOME; reboot *"


@pytest.mark.parametrize(("argv", "words"), [
    (("sh", "-c", "echo no; exit 3"), "ended with status 3: no"),
    (("sh", "-c", "kill -SEGV $$"), "was ended by SIGSEGV"),
    (("/nonexistent",), "ended with status 127: /nonexistent: No such file or directory")])
def test_a_program_that_fails_is_told_with_status_and_words(jobs: Jobs, argv: tuple[str, ...], words: str) -> None:
    jobs.start("i", RunCommand(argv, 30.0), 100.0)
    result = report(jobs)
    assert (result.outcome.ok, result.outcome.words) == (False, words)


def test_output_is_cut_to_4_kib(jobs: Jobs) -> None:
    jobs.start("i", RunCommand(("sh", "-c", "yes | head -c 100000"), 30.0), 100.0)
    words = report(jobs).outcome.words
    assert words.count("y") == 2048


@pytest.mark.parametrize(("probe", "ok", "words"), [
    (RunProbe(("true",)), True, "the probe succeeded"),
    (RunProbe(("echo", "PONG"), expect="PONG"), True, "the probe succeeded: PONG"),
    (RunProbe(("echo", "ERR"), expect="PONG"), False, "the probe did not print 'PONG': ERR"),
    (RunProbe(("sh", "-c", "echo PONG; exit 2"), expect="PONG"), False, "the probe ended with status 2: PONG")])
def test_a_probing_program_must_end_well_and_print_what_is_expected(jobs: Jobs, probe: RunProbe, ok: bool,
                                                                   words: str) -> None:
    jobs.start("i", probe, 100.0)
    result = report(jobs)
    assert (result.outcome.ok, result.outcome.words) == (ok, words)


def test_one_attempt_of_a_probe_has_five_seconds(jobs: Jobs) -> None:
    jobs.start("i", RunProbe(("sleep", "60"), within_seconds=90.0), 100.0)
    assert jobs.poll(104.9) == ()
    assert jobs.poll(105.0)[0].outcome.words == "did not end within 5s and was killed"


def test_jobs_run_side_by_side_and_one_intent_has_one_job(jobs: Jobs, tmp_path: Path) -> None:
    for _ in range(2):
        jobs.start("once", RunCommand(("sh", "-c", f"echo x >> {tmp_path}/ran"), 30.0), 100.0)
    jobs.start("other", RunCommand(("true",), 30.0), 100.0)
    reports: list[EffectReport] = []

    def both_came() -> bool:
        reports.extend(jobs.poll(101.0))
        return len(reports) == 2

    until(both_came)
    assert {report.intent_id for report in reports} == {"once", "other"}
    assert (tmp_path / "ran").read_text() == "x\n"


def test_a_start_limit_is_reset_once_and_the_start_tried_again(tmp_path: Path) -> None:
    systemctl = script(tmp_path, "systemctl", """
        echo "$@" >> {dir}/calls
        case "$*" in
          *reset-failed*) touch {dir}/reset;;
          *start*) echo "start of the service was attempted too often" >&2; [ -e {dir}/reset ];;
        esac""")
    jobs = Jobs(Systemctl(systemctl))
    jobs.start("i", StartUnit("amavis", "amavis"), 100.0)
    assert report(jobs) == EffectReport("i", Outcome(True, "start done"), 1.0, 101.0)
    called = [line.split(" -- ")[0].split()[-1] for line in (tmp_path / "calls").read_text().splitlines()]
    assert called == ["start", "reset-failed", "start"]
    script(tmp_path, "systemctl", 'echo "start of the service was attempted too often" >&2; exit 1')
    jobs.start("j", StartUnit("amavis", "amavis"), 100.0)
    result = report(jobs)
    assert not result.outcome.ok
    assert result.outcome.words.startswith("start failed, systemctl ended with status 1: start of the service")
    jobs.close()


def test_the_end_of_the_daemon_kills_programs_and_leaves_service_jobs_to_end(tmp_path: Path) -> None:
    script(tmp_path, "amavis", "echo $$ > {dir}/service-pid; exec sleep 60")
    run = script(tmp_path, "run", "echo $$ > {dir}/run-pid; exec sleep 60")
    jobs = Jobs(Lsb(str(tmp_path)))
    jobs.start("s", StopUnit("amavis", "amavis"), 100.0)
    jobs.start("r", RunCommand((run,), 60.0), 100.0)
    service, program = pid_in(tmp_path / "service-pid"), pid_in(tmp_path / "run-pid")
    jobs.close()
    until(lambda: not alive(program))
    assert alive(service)
    os.kill(service, signal.SIGKILL)
    for pid in (service, program):
        os.waitpid(pid, 0)
