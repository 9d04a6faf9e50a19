"""One daemon a runtime directory; nobody who is not a daemon can keep one from starting."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from watchdog_oom.daemon.own_lock import OwnLock
from watchdog_oom.errors import UsageError

NOBODY = 65534
HOLD = """import fcntl, os, sys, time
fd = os.open(sys.argv[1], os.O_RDONLY)
if len(sys.argv) > 2:
    os.setuid(int(sys.argv[2]))
fcntl.flock(fd, fcntl.LOCK_EX)
print(flush=True)
time.sleep(60)"""


def hold(path: Path, *as_user: str) -> subprocess.Popen[bytes]:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(path), *as_user], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    holder.stdout.readline()
    return holder


def test_the_lock_is_closed_to_others_and_holds_the_pid(tmp_path: Path) -> None:
    lock = OwnLock(str(tmp_path))
    assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"
    lock.release()


def test_a_lock_of_an_earlier_release_that_anybody_could_open_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("1\n")
    (tmp_path / "lock").chmod(0o644)
    with (tmp_path / "lock").open() as old:
        lock = OwnLock(str(tmp_path))
        fcntl.flock(old, fcntl.LOCK_EX | fcntl.LOCK_NB)
        lock.release()
        OwnLock(str(tmp_path)).release()
    assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_user_who_holds_the_lock_of_an_earlier_release_keeps_nobody_from_starting(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("1\n")
    (tmp_path / "lock").chmod(0o644)
    holder = hold(tmp_path / "lock", str(NOBODY))
    try:
        OwnLock(str(tmp_path)).release()
    finally:
        holder.kill()
        holder.communicate()


def test_a_daemon_of_an_earlier_release_that_still_runs_is_respected(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("77\n")
    (tmp_path / "lock").chmod(0o644)
    holder = hold(tmp_path / "lock")
    try:
        with pytest.raises(UsageError, match="pid 77"):
            OwnLock(str(tmp_path))
    finally:
        holder.kill()
        holder.communicate()


def test_the_lock_is_held_once_and_free_again_after_a_kill(tmp_path: Path) -> None:
    code = f"""import time
from watchdog_oom.daemon.own_lock import OwnLock
OwnLock({str(tmp_path)!r})
print(flush=True)
time.sleep(60)"""
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(UsageError, match=f"pid {holder.pid}"):
            OwnLock(str(tmp_path))
    finally:
        holder.kill()
        holder.communicate()
    OwnLock(str(tmp_path)).release()
