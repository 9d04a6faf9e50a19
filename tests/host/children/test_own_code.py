"""The program's files are replaced or go away while it runs: children that need them do nothing, and say why."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import watchdog_oom
from watchdog_oom.host.children.own_code import REPLACED

_PROGRAM = """
import json, os, select, sys, time
copy, home = sys.argv[1:]
sys.path.insert(0, copy)
from watchdog_oom.core.nouns import SpoolNoun
from watchdog_oom.daemon.policy_loader import PolicyLoader
from watchdog_oom.host.clock import read_clock
from watchdog_oom.host.purge.job import start_purge
from watchdog_oom.host.purge.request import PurgeRequest
from watchdog_oom.host.spools.scanners import SpoolScanners

print("started", flush=True)
sys.stdin.readline()

spool = SpoolNoun("s", home + "/spool", ("*",), 0.0)
job, purged = start_purge(PurgeRequest(spool)), []
while not job.done:
    select.select([job.fileno(), job.child.pidfd], [], [], 1)
    purged += map(str, job.poll())
loader = PolicyLoader((home + "/policies",), home + "/none.toml")
while (answer := loader.poll()) is None:
    select.select([loader], [], [], 0.01)
scanners, until, scanned = SpoolScanners(), time.monotonic() + 2, set()
while time.monotonic() < until and len(scanned) < 3:
    state = scanners.look({"s": spool}, read_clock()).get("s")
    scanned |= {state.problem if state.problem else "scanned"} if state is not None else set()
    if scanned == {"scanned"}:
        break
    time.sleep(0.05 if not scanned else 0.4)
scanners.close()
print(json.dumps([purged, [str(fault) for fault in answer.faults], sorted(scanned)]))
"""


def replaced(package: Path) -> None:
    """As a package manager does: each file by another one of its name."""
    for file in package.rglob("*.py"):
        new = file.with_suffix(".new")
        shutil.copy(file, new)
        new.rename(file)


def removed(package: Path) -> None:
    shutil.rmtree(package)


def left_alone(package: Path) -> None:
    assert package.is_dir()


def told_after(what: Callable[[Path], None], tmp_path: Path) -> list[list[str]]:
    """What a purge, a reading of the policies and a scan came to when that was done to the files of the program."""
    copy = tmp_path / "program"
    shutil.copytree(Path(watchdog_oom.__file__).parent, copy / "watchdog_oom")
    (tmp_path / "spool").mkdir(mode=0o700)
    (tmp_path / "spool" / "old").write_text("x")
    (tmp_path / "policies").mkdir()
    with subprocess.Popen([sys.executable, "-c", _PROGRAM, str(copy), str(tmp_path)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as program:
        assert program.stdin is not None and program.stdout is not None
        assert program.stdout.readline() == "started\n"
        what(copy / "watchdog_oom")
        told, _ = program.communicate("go on\n", timeout=30)
    result: list[list[str]] = json.loads(told)
    return result


@pytest.mark.slow
def test_with_its_own_files_each_child_does_its_work(tmp_path: Path) -> None:
    purged, faults, scanned = told_after(left_alone, tmp_path)
    assert purged[0].startswith("1 entry cleared") and scanned == ["scanned"] and REPLACED not in str(faults)
    assert not (tmp_path / "spool" / "old").exists()


@pytest.mark.parametrize(("what", "why"), [
    (replaced, REPLACED), pytest.param(removed, "No module named", marks=pytest.mark.slow)])
def test_with_the_files_of_another_version_nothing_is_done_and_each_child_says_so(
    what: Callable[[Path], None], why: str, tmp_path: Path
) -> None:
    purged, faults, scanned = told_after(what, tmp_path)
    assert len(purged) == len(faults) == len(scanned) == 1
    assert all(why in words for words in (*purged, *faults, *scanned)), (purged, faults, scanned)
    assert (tmp_path / "spool" / "old").exists()
