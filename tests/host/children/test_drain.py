"""What a program leaves running can write for ever, and neither fills anything nor waits nor ends by that."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from watchdog_oom.host.children.drain import KEPT_BYTES
from watchdog_oom.host.children.spawn import spawn_drained
from watchdog_oom.host.children.supervisor import ChildSupervisor, Ended

CHATTY = """(while :; do head -c 1048576 /dev/zero; echo . >> {seen}; done) & echo $! > {pid}; echo started; exit 3"""


def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


@pytest.fixture
def watched() -> Iterator[ChildSupervisor]:
    children = ChildSupervisor()
    yield children
    children.close()


def end_of(watched: ChildSupervisor) -> Ended:
    ended: list[Ended] = []

    def one() -> bool:
        ended.extend(watched.poll(time.monotonic()))
        return bool(ended)

    until(one)
    return ended[0]


def drains() -> list[int]:
    """Living children of this process that read a pipe for somebody."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [int(pid) for pid in children if alive(int(pid)) and Path(f"/proc/{pid}/comm").read_text() == "cat\n"]


def test_the_output_of_a_program_is_there_when_it_has_ended_and_nothing_is_left(watched: ChildSupervisor) -> None:
    before = len(os.listdir("/proc/self/fd"))
    watched.add("a", spawn_drained(("sh", "-c", "echo words; echo more >&2; exit 3")), 60, now=time.monotonic())
    ended = end_of(watched)
    assert (ended.exit_status, ended.text) == (3, "words\nmore")
    until(lambda: watched.poll(time.monotonic()) == () and drains() == [])
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_flood_is_read_whole_and_only_its_beginning_kept(watched: ChildSupervisor) -> None:
    flood = "head -c 3000000 /dev/zero | tr '\\0' x"
    watched.add("a", spawn_drained(("sh", "-c", flood)), 60, now=time.monotonic())
    ended = end_of(watched)
    assert (ended.exit_status, ended.text) == (0, "x" * KEPT_BYTES)


@pytest.mark.parametrize("daemon_ends", [False, True])
def test_what_an_init_script_leaves_running_writes_on_into_nothing(watched: ChildSupervisor, tmp_path: Path,
                                                                   daemon_ends: bool) -> None:
    others = ChildSupervisor()
    chosen = others if daemon_ends else watched
    seen, pid_file = tmp_path / "seen", tmp_path / "pid"
    seen.touch()
    script = CHATTY.format(seen=seen, pid=pid_file)
    chosen.add("a", spawn_drained(("sh", "-c", script)), 60, now=time.monotonic())
    ended = end_of(chosen)
    pid = int(pid_file.read_text())
    try:
        assert ended.exit_status == 3
        if daemon_ends:
            others.close()
        mebibytes = seen.stat().st_size
        until(lambda: seen.stat().st_size > mebibytes + 40)
        assert os.readlink(f"/proc/{pid}/fd/1").startswith("pipe:")
        (reader,) = drains()
        held = {os.readlink(f"/proc/{reader}/fd/{fd}") for fd in os.listdir(f"/proc/{reader}/fd")}
        assert held == {os.readlink(f"/proc/{pid}/fd/1"), "/dev/null"}
    finally:
        os.kill(pid, signal.SIGKILL)
    until(lambda: not alive(reader))
    with suppress(ChildProcessError):
        os.waitpid(reader, os.WNOHANG)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rsplit(b") ", 1)[1][:1] not in b"ZX"
    except OSError:
        return False
