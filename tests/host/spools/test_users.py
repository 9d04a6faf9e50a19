"""Who works in a spool: real processes with real descriptors."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from watchdog_oom.core.model import ProcessId
from watchdog_oom.host.processes.procfs import read_stat
from watchdog_oom.host.spools.users import FIRST_LINKS, ROUND_SECONDS, SpoolUsers

HOLDER = """
import os, resource, sys
count, last = int(sys.argv[1]), sys.argv[2]
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
for _ in range(count):
    os.dup(0)
kept = open(last)
print("up", flush=True)
for line in sys.stdin:
    kept.close()
    print("closed", flush=True)
"""
Hold = Callable[[int, Path], subprocess.Popen[bytes]]


@pytest.fixture
def hold() -> Iterator[Hold]:
    made: list[subprocess.Popen[bytes]] = []

    def start(count: int, last: Path) -> subprocess.Popen[bytes]:
        made.append(subprocess.Popen([sys.executable, "-S", "-c", HOLDER, str(count), str(last)],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        assert made[-1].stdout is not None
        assert made[-1].stdout.readline() == b"up\n"
        return made[-1]

    yield start
    for process in made:
        process.kill()
        process.communicate()


def identity(pid: int) -> ProcessId:
    process = read_stat("/proc", pid)
    assert process is not None
    return process.id


def until_answered(users: SpoolUsers, *asked: ProcessId, seconds: float = 4.0) -> None:
    deadline = time.monotonic() + seconds
    while not set(asked) <= users.news.keys():
        assert time.monotonic() < deadline
        wait = users.wait_seconds(time.monotonic())
        if wait > 0:
            time.sleep(min(wait, 0.05))
        users.tick(0.02)


def test_a_process_is_found_through_a_symlink_and_even_when_the_entry_is_gone(tmp_path: Path) -> None:
    (tmp_path / "real" / "spool" / "entry").mkdir(parents=True)
    real = str(tmp_path / "real" / "spool")
    users = SpoolUsers("/proc", lambda: {"vscan": real, "other": real + "-not", "part": real + "/ent"})
    process = subprocess.Popen(["sleep", "60"], cwd=tmp_path / "real" / "spool" / "entry")
    try:
        who = identity(process.pid)
        (tmp_path / "real" / "spool" / "entry").rmdir()
        users.ask([who])
        until_answered(users, who)
        assert users.news == {who: frozenset({"vscan"})}
    finally:
        process.kill()
        process.wait()


def test_only_what_is_new_is_told_and_a_change_within_a_round(tmp_path: Path, hold: Hold) -> None:
    (tmp_path / "file").touch()
    users = SpoolUsers("/proc", lambda: {"s": str(tmp_path)})
    process = hold(0, tmp_path / "file")
    who = identity(process.pid)
    users.ask([who])
    until_answered(users, who)
    assert users.news == {who: frozenset({"s"})}
    users.news.clear()
    users.ask([who])
    assert users.wait_seconds(time.monotonic()) > 0
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(b"\n")
    process.stdin.flush()
    assert process.stdout.readline() == b"closed\n"
    began = time.monotonic()
    until_answered(users, who)
    assert users.news == {who: frozenset()}
    assert time.monotonic() - began < 2 * ROUND_SECONDS


def test_whoever_holds_many_files_is_unknown_until_all_were_read_and_delays_nobody(
        tmp_path: Path, hold: Hold) -> None:
    (tmp_path / "file").touch()
    many, few = hold(2_000, tmp_path / "file"), hold(0, tmp_path / "file")
    users = SpoolUsers("/proc", lambda: {"s": str(tmp_path)})
    users.ask([identity(many.pid), identity(few.pid)])
    users.tick(0.0001)
    users.tick(0.0001)
    assert users.news == {identity(few.pid): frozenset({"s"})}
    until_answered(users, identity(many.pid))
    assert users.news[identity(many.pid)] == frozenset({"s"})


def test_what_is_beyond_the_bound_is_never_taken_for_a_no(
        tmp_path: Path, hold: Hold) -> None:
    (tmp_path / "file").touch()
    process = hold(FIRST_LINKS * 3, tmp_path / "file")
    users = SpoolUsers("/proc", lambda: {"s": str(tmp_path)}, most_links=FIRST_LINKS * 2)
    users.ask([identity(process.pid)])
    until_answered(users, identity(process.pid))
    assert users.news == {identity(process.pid): None}


def test_a_slice_of_many_files_is_followed_by_a_rest_many_times_as_long(tmp_path: Path, hold: Hold) -> None:
    crowd = [identity(hold(4_000, Path("/dev/null")).pid) for _ in range(2)]
    users = SpoolUsers("/proc", lambda: {"s": str(tmp_path)})
    users.ask(crowd)
    users.tick(0.0001)
    users.tick(0.0001)

    def rest_after_a_slice() -> float:
        """How many times as long as the slice took, which is less when something else had the processor meanwhile."""
        while users.wait_seconds(time.monotonic()) > 0:
            pass
        began = time.monotonic()
        users.tick(0.002)
        ended = time.monotonic()
        return users.wait_seconds(ended) / (ended - began)

    first = rest_after_a_slice()
    assert users.news == {}
    assert first > 5 or max(rest_after_a_slice() for _ in range(3)) > 5


def test_whoever_is_no_longer_asked_for_is_forgotten(tmp_path: Path, hold: Hold) -> None:
    who = identity(hold(0, Path("/dev/null")).pid)
    users = SpoolUsers("/proc", lambda: {"s": str(tmp_path)})
    users.ask([who])
    users.ask([])
    assert users.wait_seconds(time.monotonic()) == float("inf")
    users.ask([who])
    until_answered(users, who)
    assert users.news == {who: frozenset()}
