"""Only a lock that is held tells of a daemon: not its file, and not what stands in it."""

from __future__ import annotations

import os
from pathlib import Path

from watchdog_oom.cli.daemon_lock import running_daemon
from watchdog_oom.daemon.self_protection import OwnLock


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
