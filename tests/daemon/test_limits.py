"""Limits, end to end: a real daemon, real processes, and the journal that tells of them."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.miniature.daemon import MakeDaemon, Spawn

GROWS = "held=[]\nimport time\nwhile True:\n    held.append(bytearray(4 << 20)); time.sleep(0.05)"
SLEEPS = "import time; time.sleep(300)"
IGNORES_TERM = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(300)"


def policy_for(program: Path, limit: str) -> str:
    return f'[process.hogger]\nexe = "{program}"\n[limit.hogger]\nprocess = "hogger"\n{limit}\n'


def ended_after(child: subprocess.Popen[bytes], seconds: float) -> float:
    """Seconds until the child ended; fails when it does not."""
    began = time.monotonic()
    child.wait(seconds)
    return time.monotonic() - began


def test_a_process_that_grows_past_rss_is_ended_within_for_plus_two_seconds(
        daemon: MakeDaemon, spawn: Spawn, home: Path) -> None:
    watch = daemon(policy_for(home / "bin/hogger", 'rss = "60MiB"\nfor = "1s"\ngrace = "5s"'))
    watch.start()
    child = spawn(GROWS)
    grown = time.monotonic()
    while int(Path(f"/proc/{child.pid}/statm").read_text().split()[1]) * 4096 <= 60 << 20:
        assert time.monotonic() - grown < 20
        time.sleep(0.02)
    assert ended_after(child, 10) < 1 + 2
    assert child.returncode == -signal.SIGTERM
    watch.wait_for(lambda: watch.records("outcome", result="ended after TERM"), 3, "the verified end")
    intent = watch.records("intent", rule="limit.hogger")[0]
    assert intent["target"]["pid"] == child.pid
    assert intent["target"]["exe"] == str(home / "bin/hogger")
    assert "limit 60 MiB" in intent["because"][0]


def test_a_process_that_outlives_runtime_and_ignores_term_is_killed_after_the_grace(
        daemon: MakeDaemon, spawn: Spawn, home: Path) -> None:
    watch = daemon(policy_for(home / "bin/hogger", 'runtime = "1s"\ngrace = "2s"'))
    watch.start()
    child = spawn(IGNORES_TERM)
    assert ended_after(child, 20) < 1 + 2 + 2
    assert child.returncode == -signal.SIGKILL
    watch.wait_for(lambda: watch.records("outcome", result="ended after KILL"), 3, "the verified end")
    assert [record["step"].split()[0] for record in watch.records("intent")] == ["TERM", "KILL"]


def test_a_neighbour_with_the_same_name_and_another_executable_is_untouched(
        daemon: MakeDaemon, spawn: Spawn, home: Path) -> None:
    watch = daemon(policy_for(home / "bin/hogger", 'runtime = "1s"\ngrace = "1s"'))
    watch.start()
    neighbour, child = spawn(SLEEPS, directory="other"), spawn(SLEEPS)
    ended_after(child, 10)
    watch.look(5)
    assert neighbour.poll() is None
    assert all(record["target"]["pid"] == child.pid for record in watch.records("intent"))


@pytest.mark.slow
@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_neighbour_of_the_same_executable_and_another_user_is_untouched(daemon: MakeDaemon, home: Path) -> None:
    seconds = f"300.{os.getpid()}"  # tells these two from every other sleep of the host
    watch = daemon(f'[process.sleeper]\nexe = "/usr/bin/sleep"\nuser = "nobody"\ncmdline = "{seconds}"\n'
                   f'[limit.sleeper]\nprocess = "sleeper"\nruntime = "1s"\ngrace = "1s"\n')
    watch.start()
    neighbour = subprocess.Popen(["/usr/bin/sleep", seconds])
    child = subprocess.Popen(["/usr/bin/sleep", seconds], user="nobody")
    try:
        ended_after(child, 10)
        watch.look(5)
        assert neighbour.poll() is None
    finally:
        for one in (neighbour, child):
            one.kill()
            one.wait()


@pytest.mark.root
def test_a_process_that_the_kernel_was_told_to_spare_is_spared_in_calm_times(
        daemon: MakeDaemon, spawn: Spawn, home: Path) -> None:
    spared, child = spawn(SLEEPS), spawn(SLEEPS)
    try:
        Path(f"/proc/{spared.pid}/oom_score_adj").write_text("-1000")
    except PermissionError:
        pytest.skip("needs CAP_SYS_RESOURCE")
    watch = daemon(policy_for(home / "bin/hogger", 'runtime = "1s"\ngrace = "1s"'))
    watch.start()
    ended_after(child, 10)
    watch.wait_for(lambda: watch.records("refused"), 3, "the refusal")
    assert spared.poll() is None
    assert [(record["target"]["pid"], record["result"]) for record in watch.records("refused")] == [
        (spared.pid, "refused: its oom_score_adj is -1000")]


@pytest.mark.slow
def test_the_oldest_of_a_group_go_until_the_count_is_kept(daemon: MakeDaemon, spawn: Spawn, home: Path) -> None:
    children = []
    for _ in range(5):
        children.append(spawn(SLEEPS))
        time.sleep(0.03)  # start times are counted in hundredths of a second
    watch = daemon(policy_for(home / "bin/hogger", "count = 3"))
    watch.start()
    for child in children[:2]:
        ended_after(child, 10)
    watch.look(5)
    assert [child.poll() for child in children[2:]] == [None, None, None]


def test_then_freeze_stops_a_process_and_continues_it_when_the_daemon_stops(
        daemon: MakeDaemon, spawn: Spawn, home: Path) -> None:
    child = spawn(SLEEPS)
    watch = daemon(policy_for(home / "bin/hogger", 'runtime = "1s"\nthen = "freeze"'))
    watch.start()

    def state() -> str:
        return Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[0]

    watch.wait_for(lambda: state() == "T", 5, "the freeze")
    assert watch.stop() == 0
    assert state() == "S"


@pytest.mark.slow
def test_observe_writes_down_what_it_would_do_and_does_nothing(daemon: MakeDaemon, spawn: Spawn, home: Path) -> None:
    child = spawn(SLEEPS)
    watch = daemon(policy_for(home / "bin/hogger", 'runtime = "100ms"'))
    watch.start("--observe")
    watch.wait_for(lambda: watch.records("incident", rule="limit.hogger"), 5, "the report")
    watch.look(5)
    assert child.poll() is None
    assert watch.records("intent") == []
    told, = watch.records("incident", rule="limit.hogger")
    assert told["result"] == f"observed only: would TERM hogger[{child.pid}]" and told["target"]["pid"] == child.pid
