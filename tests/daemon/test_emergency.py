"""The emergency, end to end: real processes, seen through a /proc that says that memory has run out.

The tree holds links to the real directories of the test's own processes and of nobody else, so nobody else can be
chosen; meminfo is the test's.
"""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.miniature.daemon import MakeDaemon, Spawn
from tests.miniature.proc_tree import Proc

HOLDS = "import signal, time; {ignore}held = bytearray({mib} << 20); time.sleep(300)"
IGNORE = "signal.signal(signal.SIGTERM, signal.SIG_IGN); "


@pytest.fixture
def proc(home: Path) -> Proc:
    return Proc(home / "proc")


def holder(spawn: Spawn, mib: int, name: str = "hogger", *, stubborn: bool = False) -> subprocess.Popen[bytes]:
    child = spawn(HOLDS.format(mib=mib, ignore=IGNORE if stubborn else ""), name=name)
    while int(Path(f"/proc/{child.pid}/statm").read_text().split()[1]) * 4096 < mib << 20:
        assert child.poll() is None
    return child


def test_below_both_thresholds_the_largest_unprotected_gets_term_and_nobody_else(
        daemon: MakeDaemon, spawn: Spawn, home: Path, proc: Proc) -> None:
    small, large, database = holder(spawn, 20), holder(spawn, 60), holder(spawn, 120, "mysqld")
    for child in (small, large, database):
        proc.show(child.pid)
    watch = daemon(f'[process.db]\nexe = "{home}/bin/mysqld"\n[protect.db]\nprocess = "db"\n')
    watch.start("--proc", str(proc.root))
    proc.memory(available=60000, swap_free=500000)
    watch.wait_for(lambda: watch.status()["memory"]["available_percent"] < 8, 5, "the sight of low memory")
    assert large.poll() is None, "free swap must hold the emergency off"
    proc.memory(available=60000, swap_free=40000)
    assert large.wait(5) == -signal.SIGTERM
    proc.memory(available=900000, swap_free=500000)
    watch.wait_for(lambda: ["closed" for record in watch.records("incident", rule="emergency")
                            if record["result"].startswith("closed")], 15, "the end")
    assert (small.poll(), database.poll()) == (None, None)
    because = watch.records("intent", rule="emergency")[0]["because"]
    assert any(f"passed over mysqld[{database.pid}]" in reason and "protect.db" in reason for reason in because)
    kinds = [record["kind"] for record in watch.records() if record["rule"] == "emergency"]
    assert kinds[:3] == ["intent", "outcome", "incident"], "the act comes before the writing"


def test_below_half_of_both_thresholds_kill_goes_out_at_once(daemon: MakeDaemon, spawn: Spawn, proc: Proc) -> None:
    stubborn = holder(spawn, 60, stubborn=True)
    proc.show(stubborn.pid)
    watch = daemon("")
    watch.start("--proc", str(proc.root))
    proc.memory(available=20000, swap_free=10000)
    assert stubborn.wait(3) == -signal.SIGKILL
    watch.wait_for(lambda: watch.records("intent"), 5, "the record, written when the emergency gives time for it")
    assert [record["step"].split()[0] for record in watch.records("intent")] == ["KILL"]


@pytest.mark.slow
def test_memory_that_runs_out_between_two_looks_is_seen_by_a_glance(
        daemon: MakeDaemon, spawn: Spawn, proc: Proc) -> None:
    large = holder(spawn, 60)
    proc.show(large.pid)
    proc.memory(available=120000, swap_free=100000)
    watch = daemon("", config='[tick]\nfastest = "3s"\nslowest = "3s"\n')
    watch.start("--proc", str(proc.root))
    watch.wait_for(lambda: watch.status()["health"]["ticks"] >= 2, 8, "a look, after which the next is seconds away")
    proc.memory(available=60000, swap_free=40000)
    assert large.wait(1.5) == -signal.SIGTERM


@pytest.mark.slow
def test_only_one_goes_while_its_memory_is_still_on_the_way_back(daemon: MakeDaemon, spawn: Spawn, proc: Proc) -> None:
    first, second = holder(spawn, 60, stubborn=True), holder(spawn, 30)
    for child in (first, second):
        proc.show(child.pid)
    watch = daemon("")
    watch.start("--proc", str(proc.root))
    proc.memory(available=60000, swap_free=40000)
    watch.wait_for(lambda: watch.records("intent"), 5, "the first TERM")
    os.kill(first.pid, 0)
    assert first.wait(10) == -signal.SIGKILL, "it ignored TERM, so KILL follows after the grace"
    proc.memory(available=900000, swap_free=500000)
    assert second.poll() is None


def test_a_meminfo_of_nonsense_is_counted_and_never_fatal(daemon: MakeDaemon, proc: Proc) -> None:
    watch = daemon("")
    watch.start("--proc", str(proc.root))
    (proc.root / "meminfo").write_text("MemTotal: banana\n")
    watch.wait_for(lambda: watch.status()["health"]["skipped"].get("memory", 0) > 2, 10, "the count of bad readings")
    assert watch.status()["memory"] is None
    proc.memory(available=900000, swap_free=500000)
    watch.wait_for(lambda: watch.status()["memory"], 10, "the next good reading")
    assert watch.stop() == 0
