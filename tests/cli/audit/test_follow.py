"""``audit --follow`` as a process of its own, on a journal that is written and rotated meanwhile."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from watchdog_oom.journal import Journal, Kind, Record

PATIENCE_SECONDS = 30.0
Follow = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(str(tmp_path), boot_id="b" * 36, segment_bytes=1500, keep=3)
    journal.open()
    write(journal, 0, 12)
    yield journal
    journal.close()


@pytest.fixture
def follow(tmp_path: Path) -> Iterator[Follow]:
    """Start ``watchdog-oom audit -f``; it is killed at the end if it still runs."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str, stdout: int = subprocess.PIPE) -> subprocess.Popen[bytes]:
        # As from a terminal, also where the tests run in the background of a script, with SIGINT ignored.
        code = ("import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
                "from watchdog_oom.cli import main; main()")
        command = [sys.executable, "-c", code, "audit", "--log", str(tmp_path), "-f", *arguments]
        started.append(subprocess.Popen(command, stdout=stdout, stderr=subprocess.PIPE, start_new_session=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def write(journal: Journal, first: int, count: int) -> None:
    for number in range(first, first + count):
        journal.append(Record(Kind.LATE, rule="r", result=f"n{number:03}"))


def read_until(fd: int, wanted: bytes) -> bytes:
    """What comes out until the text is there."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    got = b""
    while wanted not in got:
        ready, _, _ = select.select([fd], [], [], deadline - time.monotonic())
        assert ready, f"{wanted!r} did not come: {got!r}"
        chunk = os.read(fd, 1 << 16)
        assert chunk, f"it ended: {got!r}"
        got += chunk
    return got


def out(process: subprocess.Popen[bytes]) -> int:
    assert process.stdout is not None
    return process.stdout.fileno()


def test_it_begins_with_the_last_ten_and_goes_on_across_rotations_until_ctrl_c(writer: Journal, follow: Follow) -> None:
    process = follow()
    got = read_until(out(process), b"n011")
    assert got.count(b"\n") == 10
    write(writer, 12, 1)
    got += read_until(out(process), b"n012")
    write(writer, 13, 8)  # more than one file
    got += read_until(out(process), b"n020")
    assert [line[-4:] for line in got.decode().splitlines()] == [f"n{number:03}" for number in range(2, 21)]
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, rest, errors) == (130, b"", b"")


def test_it_ends_when_its_reader_goes_though_nothing_is_written(writer: Journal, follow: Follow) -> None:
    process = follow("-n", "1")
    read_until(out(process), b"n011")
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(timeout=PATIENCE_SECONDS) == 141
    assert process.stderr is not None
    assert process.stderr.read() == b""


def test_an_act_is_shown_while_it_is_under_way_and_its_end_when_it_comes(writer: Journal, follow: Follow) -> None:
    process = follow("-n", "1")
    read_until(out(process), b"n011")
    writer.append(Record(Kind.INTENT, rule="r", step="purge x", id="i1"))
    assert b"purge x: begun\n" in read_until(out(process), b"\n")
    writer.append(Record(Kind.OUTCOME, rule="r", step="purge x", id="i1", ok=False, result="too late"))
    assert b"purge x: failed: too late\n" in read_until(out(process), b"\n")


def test_it_can_be_narrowed_and_stored_like_the_list(writer: Journal, follow: Follow) -> None:
    process = follow("--json", "--grep", "n01[13579]", "--rule", "r", "--since", "1h")
    assert read_until(out(process), b"n011").count(b"\n") == 1
    write(writer, 12, 2)
    got = read_until(out(process), b"n013")
    assert got.startswith(b'{"v":1,')
    assert b"n012" not in got


def test_a_journal_that_is_not_there_yet_is_waited_for(tmp_path: Path, follow: Follow) -> None:
    process = follow()
    assert process.stderr is not None
    assert b"there is no journal yet" in read_until(process.stderr.fileno(), b"\n")
    journal = Journal(str(tmp_path), boot_id="b" * 36)
    journal.open()
    write(journal, 5, 1)
    read_until(out(process), b"n005")
    journal.close()


def test_on_a_terminal_it_is_coloured_and_hanging_up_ends_it(writer: Journal, follow: Follow) -> None:
    leader, terminal = pty.openpty()
    process = follow(stdout=terminal)
    os.close(terminal)
    assert b"\x1b[" in read_until(leader, b"n011")
    os.close(leader)
    assert process.wait(timeout=PATIENCE_SECONDS) in (141, 70, -signal.SIGHUP)
