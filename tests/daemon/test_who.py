"""Whom a limit is about, end to end: older, larger, orphaned, excepted, whole trees; a real daemon, real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.miniature.daemon import MakeDaemon, OwnDaemon, Spawn


def holding(mib: int) -> str:
    return f"held = bytearray({mib} << 20)\nimport time\ntime.sleep(300)"


def resident_mib(child: subprocess.Popen[bytes]) -> int:
    return int(Path(f"/proc/{child.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20


def grown(watch: OwnDaemon, child: subprocess.Popen[bytes], mib: int) -> None:
    watch.wait_for(lambda: resident_mib(child) >= mib, 10, f"{mib} MiB in {child.pid}")


def ended(watch: OwnDaemon, child: subprocess.Popen[bytes]) -> None:
    child.wait(10)
    watch.wait_for(lambda: [record for record in watch.records("outcome", result="ended after TERM")
                            if record["target"]["pid"] == child.pid], 5, "the verified end")


def asked_for(watch: OwnDaemon) -> list[int]:
    return [record["target"]["pid"] for record in watch.records("intent")]


@pytest.mark.slow
def test_build_jobs_beyond_their_time_go_only_while_all_together_hold_too_much_and_no_more_than_it_takes(
        daemon: MakeDaemon, spawn: Spawn, home: Path) -> None:
    watch = daemon(f'[process.job]\nexe = "{home}/bin/hogger"\n[limit.job]\nprocess = "job"\nruntime = "1500ms"\n'
                   'total_rss = "120MiB"\nexceeds = "all"\n')
    watch.start()
    old = [spawn(holding(35)) for _ in range(2)]
    for child in old:
        grown(watch, child, 35)
    time.sleep(1.6)  # beyond their time, and the group is within its limit
    assert asked_for(watch) == []
    young = spawn(holding(50))
    grown(watch, young, 50)
    ended(watch, min(old, key=lambda child: child.pid))
    assert len(asked_for(watch)) == 1
    assert young.poll() is None
    because = watch.records("intent")[0]["because"]
    assert "limit 1.5s" in because[0]
    assert "limit 120 MiB" in because[1]


@pytest.mark.slow
def test_of_leaking_workers_the_largest_goes_first(daemon: MakeDaemon, spawn: Spawn, home: Path) -> None:
    small, large, medium = spawn(holding(20)), spawn(holding(60)), spawn(holding(30))
    watch = daemon(f'[process.worker]\nexe = "{home}/bin/hogger"\n[limit.worker]\nprocess = "worker"\n'
                   'total_rss = "110MiB"\nfirst = "largest"\n')
    for child, mib in ((small, 20), (large, 60), (medium, 30)):
        grown(watch, child, mib)
    watch.start()
    ended(watch, large)
    assert asked_for(watch) == [large.pid]
    assert (small.poll(), medium.poll()) == (None, None)


@pytest.mark.slow
def test_everything_of_a_user_is_meant_except_the_editor(daemon: MakeDaemon, spawn: Spawn, home: Path) -> None:
    editor, other = spawn(holding(50), "editor"), spawn(holding(50))
    watch = daemon(f'[process.editor]\nname = "editor"\n[process.all]\nuser = "{os.getuid()}"\nexe = "{home}/bin/*"\n'
                   'except = "editor"\n[limit.all]\nprocess = "all"\nrss = "40MiB"\n')
    for child in (editor, other):
        grown(watch, child, 50)
    watch.start()
    ended(watch, other)
    assert asked_for(watch) == [other.pid]
    assert editor.poll() is None


@pytest.mark.slow
def test_orphaned_browsers_of_some_age_go_and_those_with_a_living_parent_stay(
        daemon: MakeDaemon, spawn: Spawn, home: Path) -> None:
    told = home / "pid"
    watch = daemon(f'[process.browser]\nexe = "{home}/bin/browser"\norphaned = true\nage_above = "1s"\n'
                   '[limit.browser]\nprocess = "browser"\nrss = "1MiB"\n')
    watch.start()
    looked_after = spawn("import time; time.sleep(300)", "browser")
    leaves = (f"import os, time\npid = os.fork()\n"
              f"if pid:\n    open({str(told)!r}, 'w').write(str(pid)); time.sleep(2); os._exit(0)\ntime.sleep(300)")
    parent = spawn(leaves, "browser")
    watch.wait_for(lambda: told.exists() and told.read_text() != "", 5, "the child")
    orphan = int(told.read_text())
    try:
        assert asked_for(watch) == []
        parent.wait(10)
        watch.wait_for(lambda: not Path(f"/proc/{orphan}/exe").exists() or orphan in asked_for(watch), 5, "the end")
        assert asked_for(watch) == [orphan]
        assert looked_after.poll() is None
    finally:
        if Path(f"/proc/{orphan}").exists():
            os.kill(orphan, signal.SIGKILL)


def test_a_job_goes_with_all_that_it_started_its_root_first(daemon: MakeDaemon, spawn: Spawn, home: Path) -> None:
    children = home / "children"
    starts = ("import os, signal, time\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\npids = []\nfor _ in range(2):\n"
              "    pid = os.fork()\n    pid or os.execv('/bin/sleep', ['sleep', '300'])\n    pids.append(pid)\n"
              f"open({str(children)!r}, 'w').write(' '.join(map(str, pids)) + '\\n')\ntime.sleep(300)")
    root = spawn(starts)
    watch = daemon(f'[process.job]\nexe = "{home}/bin/hogger"\nparent = "job"\n'
                   '[limit.job]\nprocess = "job"\ncount = 2\n')
    watch.wait_for(lambda: children.exists() and children.read_text().endswith("\n"), 5, "the children")
    below = [int(pid) for pid in children.read_text().split()]
    try:
        watch.start()
        ended(watch, root)
        watch.wait_for(lambda: not any(Path(f"/proc/{pid}/exe").exists() for pid in below), 5, "the children's end")
        assert asked_for(watch) == [root.pid, *below]
    finally:
        for pid in below:
            if Path(f"/proc/{pid}/exe").exists():
                os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize(("key", "ends"), [("65MiB", False), ("30MiB", True)])
def test_a_noun_means_only_those_that_are_larger(daemon: MakeDaemon, spawn: Spawn, home: Path, key: str,
                                                ends: bool) -> None:
    child = spawn(holding(40))
    watch = daemon(f'[process.large]\nexe = "{home}/bin/hogger"\nrss_above = "{key}"\n'
                   '[limit.large]\nprocess = "large"\nruntime = "100ms"\n[limit.twin]\nprocess = "twin"\n'
                   f'runtime = "100ms"\nthen = "report"\n[process.twin]\nexe = "{home}/bin/hogger"\n')
    grown(watch, child, 40)
    watch.start()
    if ends:
        ended(watch, child)
    else:
        watch.wait_for(lambda: watch.records("incident", rule="limit.twin"), 5, "a look at it")
        assert child.poll() is None
        assert asked_for(watch) == []
