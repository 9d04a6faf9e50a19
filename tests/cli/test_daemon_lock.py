"""Only a lock that is held tells of a daemon: not its file, and not what stands in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from watchdog_oom.cli.daemon_lock import running_daemon
from watchdog_oom.daemon.own_lock import OwnLock


def test_the_holder_of_the_lock_is_told_and_asking_does_not_take_it(tmp_path: Path) -> None:
    lock = OwnLock(str(tmp_path))
    assert [running_daemon(str(tmp_path)) for _ in range(2)] == [os.getpid()] * 2
    lock.release()
    assert running_daemon(str(tmp_path)) is None
    OwnLock(str(tmp_path)).release()


def test_a_pid_that_was_left_in_the_file_is_nobody(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("1\n")
    assert running_daemon(str(tmp_path)) is None
    assert running_daemon(str(tmp_path / "none")) is None


def test_a_lock_whose_file_holds_no_number_is_still_held(tmp_path: Path) -> None:
    lock = OwnLock(str(tmp_path))
    (tmp_path / "lock").write_text("x")
    assert running_daemon(str(tmp_path)) == 0
    lock.release()


def test_a_link_in_the_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    lock = OwnLock(str(tmp_path))
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "lock").symlink_to(tmp_path / "lock")
    assert running_daemon(str(tmp_path / "run")) is None
    lock.release()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_user_who_may_not_open_the_lock_learns_of_its_holder_all_the_same() -> None:
    ask = ("import os, sys; from watchdog_oom.cli.daemon_lock import running_daemon; os.setuid(65534); "
           "print(running_daemon(sys.argv[1]))")

    def asked(runtime: str) -> str:
        return subprocess.run([sys.executable, "-c", ask, runtime], capture_output=True, text=True, check=True).stdout

    with tempfile.TemporaryDirectory() as runtime:
        os.chmod(runtime, 0o755)
        lock = OwnLock(runtime)
        assert asked(runtime) == "None\n"
        Path(runtime, "status.json").write_text(json.dumps({"pid": os.getpid()}))
        assert asked(runtime) == f"{os.getpid()}\n"
        lock.release()
        assert asked(runtime) == "None\n"
