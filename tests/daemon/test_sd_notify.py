from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from watchdog_oom.daemon.sd_notify import SdNotifier


@pytest.fixture
def notifier(manager: socket.socket) -> Iterator[SdNotifier]:
    with closing(SdNotifier()) as made:
        yield made


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(2)
        os.environ["NOTIFY_SOCKET"] = str(tmp_path / "notify")
        yield listener
        del os.environ["NOTIFY_SOCKET"]


def test_the_manager_hears_ready_alive_reloading_and_stopping(manager: socket.socket, notifier: SdNotifier) -> None:
    for tell in (notifier.ready, notifier.alive, notifier.reloading, notifier.stopping):
        tell()
    heard = [manager.recv(200).decode() for _ in range(4)]
    assert heard[:2] == ["READY=1", "WATCHDOG=1"]
    assert heard[2].startswith("RELOADING=1\nMONOTONIC_USEC=")
    assert heard[3] == "STOPPING=1"


def test_a_status_is_ascii_in_one_line_and_told_when_it_changes(manager: socket.socket, notifier: SdNotifier) -> None:
    notifier.status("käse\nREADY=0")
    notifier.status("käse\nREADY=0")
    notifier.status("well")
    assert manager.recv(200) == b"STATUS=k\\xe4se READY=0"
    assert manager.recv(200) == b"STATUS=well"


def test_a_manager_that_does_not_listen_never_holds_the_loop_up(manager: socket.socket, notifier: SdNotifier) -> None:
    for _ in range(10_000):
        notifier.alive()


def test_without_a_manager_nothing_is_told_and_nothing_fails() -> None:
    assert "NOTIFY_SOCKET" not in os.environ
    SdNotifier().ready()
