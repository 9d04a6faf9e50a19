"""The largest processes of this host, from one refresh to the next."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from watchdog_oom.cli.status.largest import MOST_LARGEST, LargestProcesses
from watchdog_oom.cli.status.page import page_of
from watchdog_oom.cli.status.rules import LARGEST
from watchdog_oom.cli.status.seen import Seen

GROW = "data = [b'x' * (64 << 20)]\nprint(flush=True)\ninput()\ndata += [b'y' * (64 << 20)]\nprint(flush=True)\ninput()"
HOLD_MIB = 64
PATIENT_SECONDS = 30.0  # a busy host may not read a single detail in the time that a page has for them
TRIES = 20  # others' processes end between two looks


@pytest.fixture
def growing() -> Iterator[subprocess.Popen[str]]:
    child = subprocess.Popen([sys.executable, "-I", "-S", "-c", GROW.replace("64 << 20", f"{_enough()} << 20")],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    child.stdout.readline()
    yield child
    child.kill()
    child.communicate()


def _enough() -> int:
    """Mebibytes that make a process one of the largest here."""
    sizes = sorted((process.info["memory_info"].rss for process in psutil.process_iter(["memory_info"])
                    if process.info["memory_info"]), reverse=True)
    return HOLD_MIB + (sizes[MOST_LARGEST - 1] >> 20 if len(sizes) >= MOST_LARGEST else 0)


def _row_of(rows: list[tuple[str, ...]], pid: int) -> dict[str, str]:
    return next(dict(zip(LARGEST, row, strict=True)) for row in rows if row[0] == str(pid))


def test_the_largest_are_told_with_what_changed_since_the_last_look(growing: subprocess.Popen[str]) -> None:
    largest = LargestProcesses(PATIENT_SECONDS)
    rows = largest.rows()
    assert 0 < len(rows) <= MOST_LARGEST
    first = _row_of(rows, growing.pid)
    assert (first["CHANGE"], first["CPU"]) == ("-", "-")
    assert first["USER"] == psutil.Process().username()
    assert first["NAME"].startswith("python")
    assert first["LISTENS"] == "-"
    assert growing.stdin is not None
    assert growing.stdout is not None
    growing.stdin.write("\n")
    growing.stdin.flush()
    growing.stdout.readline()
    second = _row_of(largest.rows(), growing.pid)
    assert second["CHANGE"].startswith("+")
    assert second["CHANGE"].endswith("MiB")
    assert second["CPU"].endswith("%")


def test_who_ended_is_no_longer_told_and_the_command_itself_never(growing: subprocess.Popen[str]) -> None:
    largest = LargestProcesses()
    assert _row_of(largest.rows(), growing.pid)
    growing.kill()
    growing.wait()
    pids = [row[0] for row in largest.rows()]
    assert str(growing.pid) not in pids
    assert str(os.getpid()) not in pids


def test_they_are_ordered_as_asked_for_and_no_more_are_told_than_that(growing: subprocess.Popen[str]) -> None:
    largest = LargestProcesses()
    by_name = [row[-1].lower() for row in largest.rows("name")]
    assert by_name == sorted(by_name)
    ages = [since for row in largest.rows("age") if (since := _began(row[0])) is not None]
    assert ages and ages == sorted(ages)
    assert any(len(largest.rows("swap", 3)) == 3 for _ in range(TRIES))
    assert all(len(largest.rows("swap", 3)) <= 3 for _ in range(3))
    assert any(str(growing.pid) in {row[0] for row in largest.rows("memory")} for _ in range(TRIES))


def _began(pid: str) -> float | None:
    try:
        return psutil.Process(int(pid)).create_time()
    except psutil.NoSuchProcess:
        return None


def test_a_narrow_window_has_fewer_columns_but_always_the_name() -> None:
    row = ("71", "clamav", "-", "300 MiB", "+4 MiB", "-", "12%", "2h", "127.0.0.1:3310/tcp", "clamd")
    status = {"v": 1, "pid": 9, "written": time.time(), "started": time.time()}
    for width in (40, 60, 80):
        lines = page_of(status, time.time(), Seen(largest=[row], width=width)).text().splitlines()
        at = lines.index("Largest processes")
        assert max(map(len, lines[at:at + 3])) <= width
        assert lines[at + 1].split()[-1] == "NAME"
        assert lines[at + 2].split()[0] == "71"
        assert lines[at + 2].endswith("clamd")


def test_the_page_shows_them_only_where_somebody_looked() -> None:
    status = {"v": 1, "pid": 9, "written": time.time(), "started": time.time()}
    row = ("71", "clamav", "-", "300 MiB", "+4 MiB", "-", "12%", "2h", "127.0.0.1:3310/tcp", "clamd")
    lines = page_of(status, time.time(), Seen(largest=[row])).text().splitlines()
    at = lines.index("Largest processes")
    assert lines[at + 1].split() == list(LARGEST)
    assert lines[at + 2].split() == " ".join(row).split()
    assert "Largest processes" not in page_of(status, time.time()).text()
