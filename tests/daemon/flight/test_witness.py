"""A look at processes by a process of its own: what it read in time counts, and one that hangs is left."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

from watchdog_oom.daemon.flight import witness
from watchdog_oom.daemon.flight.witness import Witness


def wait(ours: Witness, seconds: float = 4.0) -> Mapping[str, str]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = ours.over(time.monotonic())
        if found is not None:
            return found
        time.sleep(0.01)
    raise AssertionError("the look did not come to an end")


def test_a_look_has_the_host_and_the_processes_and_leaves_alone_who_ends_in_a_hurry() -> None:
    ours, pid, parent = Witness("/proc", "/dev/null"), os.getpid(), os.getppid()
    ours.begin([pid, parent, 4_194_305], {parent})
    found = wait(ours)
    assert {"meminfo", f"{pid}/status", f"{pid}/smaps_rollup", f"{parent}/status"} <= found.keys()
    assert f"{parent}/smaps_rollup" not in found and not any(key.startswith("4194305") for key in found)
    assert ours.fileno() == -1 and ours.over(time.monotonic()) is None


def test_what_hangs_costs_itself_and_not_what_was_read_before(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 1 kB\n")
    (tmp_path / "7").mkdir()
    os.mkfifo(tmp_path / "7" / "smaps_rollup")
    (tmp_path / "7" / "status").write_bytes(b"Name:\t\xffa\n")
    ours = Witness(str(tmp_path), "/dev/null")
    began = time.monotonic()
    ours.begin([7], ())
    assert wait(ours) == {"meminfo": "MemTotal: 1 kB\n", "7/status": "Name:\t\\xffa\n"}
    assert witness.DEADLINE_SECONDS <= time.monotonic() - began < witness.DEADLINE_SECONDS + 1
    ours.begin([], ())
    assert wait(ours) == {"meminfo": "MemTotal: 1 kB\n"}


def test_only_one_look_is_under_way(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "meminfo")
    ours = Witness(str(tmp_path), "/dev/null")
    ours.begin([], ())
    fileno, left = ours.fileno(), ours.seconds_left(time.monotonic())
    ours.begin([], ())
    assert ours.fileno() == fileno and ours.seconds_left(time.monotonic()) <= left
    assert wait(ours) == {}
