"""oom_score_adj: written for the process that was judged, read back, and refused in words."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from watchdog_oom.core.actions import SetOomScoreAdj
from watchdog_oom.core.model import Process, ProcessId
from watchdog_oom.core.outcome import Outcome
from watchdog_oom.host.processes.oom_score_adj import set_oom_score_adj, set_own
from watchdog_oom.host.processes.procfs import read_stat

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(("sleep", "60")) as process:
        yield process
        process.kill()


def step(pid: int, value: int) -> SetOomScoreAdj:
    process = read_stat("/proc", pid)
    assert process is not None
    return SetOomScoreAdj(process.id, process.comm, value)


def yes(_: Process) -> bool:
    return True


def adjustment(pid: int) -> int:
    return int(Path(f"/proc/{pid}/oom_score_adj").read_text())


def copy_of(pid: int, root: Path, start_ticks: int | None = None) -> str:
    """A directory tree as /proc that holds one process, perhaps with another start time."""
    directory = root / str(pid)
    directory.mkdir()
    fields = Path(f"/proc/{pid}/stat").read_text().split()
    fields[21] = str(start_ticks or fields[21])
    (directory / "stat").write_text(" ".join(fields))
    shutil.copyfile(f"/proc/{pid}/oom_score_adj", directory / "oom_score_adj")
    return str(root)


def test_the_value_is_written_and_what_was_there_is_told(child: subprocess.Popen[bytes]) -> None:
    before = adjustment(child.pid)
    result = set_oom_score_adj(step(child.pid, 700), yes)
    assert result.ok
    assert (adjustment(child.pid), result.before) == (700, before)
    assert result.words == f"oom_score_adj set from {before} to 700"


def test_a_value_the_kernel_does_not_take_is_told(child: subprocess.Popen[bytes]) -> None:
    result = set_oom_score_adj(step(child.pid, 1001), yes)
    assert (result.ok, result.words) == (False, "the kernel takes values from -1000 to 1000")


def test_a_process_that_no_longer_matches_keeps_its_value(child: subprocess.Popen[bytes]) -> None:
    before = adjustment(child.pid)
    assert set_oom_score_adj(step(child.pid, 700), lambda _: False) == Outcome(False, "the rule no longer matches it")
    assert adjustment(child.pid) == before


def test_a_recycled_pid_keeps_its_value(child: subprocess.Popen[bytes], tmp_path: Path) -> None:
    target = step(child.pid, 700)
    root = copy_of(child.pid, tmp_path, start_ticks=target.target.start_ticks + 1)
    before = (tmp_path / str(child.pid) / "oom_score_adj").read_text()
    result = set_oom_score_adj(target, yes, root=root)
    assert not result.ok and "is another process now" in result.words
    assert (tmp_path / str(child.pid) / "oom_score_adj").read_text() == before


def test_a_write_that_does_not_hold_is_found_out(child: subprocess.Popen[bytes], tmp_path: Path) -> None:
    root = copy_of(child.pid, tmp_path)
    # An ordinary file keeps what is longer than the value.
    (tmp_path / str(child.pid) / "oom_score_adj").write_text("123456")
    result = set_oom_score_adj(step(child.pid, 7), yes, root=root)
    assert (result.ok, result.before) == (False, 123456)


@pytest.mark.parametrize("content", ["", "no number"])
def test_a_damaged_reading_is_a_failure_in_words(child: subprocess.Popen[bytes], tmp_path: Path, content: str) -> None:
    root = copy_of(child.pid, tmp_path)
    (tmp_path / str(child.pid) / "oom_score_adj").write_text(content)
    assert set_oom_score_adj(step(child.pid, 7), yes, root=root).words == "oom_score_adj does not hold a number"
    (tmp_path / str(child.pid) / "stat").write_text("(((")
    assert set_oom_score_adj(step(child.pid, 7), yes, root=root).words.startswith("it could not be recognized")


GONE = Outcome(False, "it had ended already")


def test_one_that_has_ended_is_gone(child: subprocess.Popen[bytes]) -> None:
    target = step(child.pid, 700)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert set_oom_score_adj(target, yes) == GONE
    child.wait()
    assert set_oom_score_adj(target, yes) == GONE
    assert set_oom_score_adj(replace(target, target=ProcessId(1 << 22, 0)), yes) == GONE


@pytest.mark.root
@needs_root
def test_a_value_that_may_not_be_lowered_is_told_with_the_capability_that_is_missing() -> None:
    assert in_a_fork_as_nobody(lambda: set_own(-1000).words, "CAP_SYS_RESOURCE")


@pytest.mark.root
@needs_root
def test_another_users_process_is_told_to_be_that(child: subprocess.Popen[bytes]) -> None:
    target = step(child.pid, 700)
    assert in_a_fork_as_nobody(lambda: set_oom_score_adj(target, yes).words, "another user")


def in_a_fork_as_nobody(words_of: Callable[[], str], expected: str) -> bool:
    pid = os.fork()
    if pid == 0:
        status = 1
        with suppress(BaseException):
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
            make_dumpable()
            status = 0 if expected in words_of() else 1
        os._exit(status)
    return os.waitpid(pid, 0)[1] == 0


def make_dumpable() -> None:
    """Own files under /proc belong to root after a change of user, until this (proc(5))."""
    import ctypes
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)


def test_the_daemon_sets_its_own_value() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0 if set_own(900).ok and adjustment(os.getpid()) == 900 else 1)
    assert os.waitpid(pid, 0)[1] == 0
