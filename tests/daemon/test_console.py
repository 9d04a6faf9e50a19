"""A standard error that nobody reads costs lines, never the daemon's time."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

from tests.miniature.daemon import MakeDaemon
from watchdog_oom.daemon.console import Console

Ends = tuple[int, int]


def socket_pair() -> Ends:
    one, other = socket.socketpair()
    return one.detach(), other.detach()


@pytest.mark.parametrize("ends", [os.pipe, socket_pair, os.openpty])
def test_what_nobody_reads_is_dropped_counted_and_told_later(ends: Callable[[], Ends]) -> None:
    reading, writing = ends()
    console = Console(writing)
    for number in range(3000):
        console.line(f"line {number} {'x' * 200}")
    lost = console.dropped
    assert 0 < lost < 3000
    assert os.get_blocking(writing)
    os.set_blocking(reading, False)
    read = b""
    while b"could not be shown" not in read:
        try:
            read = read[-500:] + os.read(reading, 4096)
        except BlockingIOError:
            console.line("again")
    assert b"lines before this one could not be shown" in read
    console.close()
    os.close(reading)
    os.close(writing)


def test_a_file_gets_every_line_after_what_stood_there(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as log:
        log.write("before\n")
        log.flush()
        console = Console(log.fileno())
        console.line("one")
        console.line("two")
    assert (tmp_path / "log").read_text() == "before\none\ntwo\n"


def test_without_a_standard_error_nothing_happens() -> None:
    console = Console(987)
    console.line("nobody")
    assert console.dropped == 1


def test_a_full_pipe_does_not_hold_up_the_last_words_of_a_program_that_cannot_start() -> None:
    code = ("import os\nos.set_blocking(2, False)\ntry:\n while True: os.write(2, b'x' * 4096)\n"
            "except BlockingIOError: pass\nos.set_blocking(2, True)\n"
            "from watchdog_oom.daemon import main\nmain(['--bogus'])")
    with Popen([sys.executable, "-c", code], stderr=PIPE) as program:
        assert program.wait(20) == 2


def test_a_daemon_without_standard_descriptors_gives_their_numbers_to_no_file_of_its_own(daemon: MakeDaemon) -> None:
    own = daemon("")
    closed = "import os, sys; [os.close(fd) for fd in (0, 1, 2)]; os.execv(sys.argv[1], sys.argv[1:])"
    shown = "from watchdog_oom.daemon import main; main()"
    arguments = [*own.options("policies", "state", "log", "runtime"), "--config", str(own.config)]
    own.process = Popen([sys.executable, "-c", closed, sys.executable, "-c", shown, *arguments], cwd="/")
    own.wait_for(lambda: bool(own.records("start")), 10.0, "READY")
    assert own.records("start")[0]["detail"]["host"] == os.uname().nodename  # a journal says whose it is
    assert {os.readlink(f"/proc/{own.pid}/fd/{fd}") for fd in (0, 1, 2)} == {"/dev/null"}
