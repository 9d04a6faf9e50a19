from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from watchdog_oom.daemon.control.asker import asker, peer_of

NAMES = {0: "root", 1000: "alice"}


def login(proc: Path, text: str) -> Path:
    (proc / "12").mkdir()
    (proc / "12" / "loginuid").write_text(text)
    return proc


def test_the_kernel_names_the_process_at_the_other_end() -> None:
    one, other = socket.socketpair()
    with one, other:
        assert peer_of(other) == (os.getpid(), os.geteuid())


def test_behind_sudo_stands_whoever_logged_in(tmp_path: Path) -> None:
    who = asker(12, 0, str(login(tmp_path, "1000")), NAMES.get)
    assert who.words == "root (pid 12, alice)"
    assert who.plain == {"uid": 0, "pid": 12, "user": "root", "login_uid": 1000, "login": "alice"}


def test_names_that_are_not_known_at_once_are_numbers(tmp_path: Path) -> None:
    assert asker(12, 0, str(login(tmp_path, "1001")), lambda uid: None).words == "uid 0 (pid 12, uid 1001)"


@pytest.mark.parametrize("text", ["4294967295", "", "x"])
def test_a_service_has_no_login(tmp_path: Path, text: str) -> None:
    assert asker(12, 0, str(login(tmp_path, text)), NAMES.get).words == "root (pid 12)"


def test_a_process_that_has_ended_has_none_either(tmp_path: Path) -> None:
    assert asker(12, 0, str(tmp_path), NAMES.get).login_uid is None
