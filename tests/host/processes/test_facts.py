"""Facts: read only as far as they decide, from real children and a made-up /proc; what is asked comes later."""

from __future__ import annotations

import os
import pwd
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from watchdog_oom.core.glob import glob_pattern
from watchdog_oom.core.matching import Fact, may_match, missing_fact, own_keys_match
from watchdog_oom.core.model import Process, ProcessId
from watchdog_oom.core.nouns import ProcessNoun
from watchdog_oom.host.processes.facts import NOTHING_KNOWN, FactReader
from watchdog_oom.host.processes.may_hang import read_cmdline
from watchdog_oom.host.processes.procfs import read_stat


@pytest.fixture
def child() -> Iterator[int]:
    process = subprocess.Popen(["sleep", "60"])
    end = time.monotonic() + 10
    while not read_cmdline("/proc", process.pid):  # execve(2) sets it a moment after Popen returns
        assert time.monotonic() < end
        time.sleep(0.001)
    yield process.pid
    process.kill()
    process.wait()


@pytest.fixture
def made_up(tmp_path: Path) -> Iterator[FactReader]:
    reader = FactReader(str(tmp_path), deadline_seconds=0.3)
    yield reader
    reader.close()


def _made_up(root: Path, pid: int) -> Process:
    """A process of which only the executable can be read: its other files are directories, so reading them fails."""
    folder = root / str(pid)
    folder.mkdir()
    (folder / "exe").symlink_to("/usr/bin/perl")
    for name in ("status", "cgroup", "cmdline"):
        (folder / name).mkdir()
    return Process(ProcessId(pid, 1), 1, "perl")


def _shown(root: Path, cmdline: bytes, pid: int = 9) -> Process:
    folder = root / str(pid)
    folder.mkdir()
    (folder / "cmdline").write_bytes(cmdline)
    (folder / "status").write_text("Name:\tx\nUid:\t1\t1\t1\t1\n")
    (folder / "stat").write_text(f"{pid} (x) S 1 {' '.join(['0'] * 17)} 1 4096 10 0 1 1 1 0 0\n")
    return Process(ProcessId(pid, 1), 1, "x")


def test_nothing_is_read_of_a_process_that_cannot_match_any_more(tmp_path: Path, made_up: FactReader) -> None:
    process = _made_up(tmp_path, 9)
    by_name = ProcessNoun("a", comm=(glob_pattern("httpd"),), cmdline=(re.compile("x"),))
    by_exe = ProcessNoun("b", exe=(glob_pattern("/usr/bin/python*"),), user=("root",), cmdline=(re.compile("x"),))
    completed, known = made_up.complete(process, (by_name, by_exe))
    assert known == {Fact.EXE}
    assert completed.facts.exe == "/usr/bin/perl"
    assert not made_up.pending
    with pytest.raises(OSError, match="directory"):  # what a needless reading would have met
        made_up.complete(process, (ProcessNoun("c", user=("root",)),))


def test_every_fact_of_a_real_child_is_found(child: int) -> None:
    process = read_stat("/proc", child)
    assert process is not None
    exe = (glob_pattern("/**/sleep"), glob_pattern("/**/coreutils"))
    noun = ProcessNoun("all", exe=exe, user=(str(os.geteuid()),), cmdline=(re.compile(r"^sleep 60$"),))
    reader = FactReader("/proc")
    reader.want((noun,))
    unknown, known = reader.complete(process, (noun,))
    assert known == {Fact.EXE, Fact.USER, Fact.HOST_NAMESPACES, Fact.EXE_MOUNTED, Fact.CMDLINE}
    assert may_match(noun, unknown) and not own_keys_match(noun, unknown)
    assert {type(name) for name in unknown.facts.asked} == {str}  # it is handed to the recorder as it is (marshal)
    (completed,) = reader.completed([process], noun, 5.0)
    assert completed.facts.user == pwd.getpwuid(os.geteuid()).pw_name
    assert own_keys_match(noun, completed) and not may_match(noun, completed)
    assert reader.everything(process).facts.cmdline == "sleep 60"
    reader.close()


def test_each_noun_searches_a_command_line_for_its_own_patterns_and_what_rests_is_asked_again(
        tmp_path: Path) -> None:
    made_up = FactReader(str(tmp_path), deadline_seconds=20.0)  # the search needs 0.1 s of a processor, busy or not
    explodes, plain = re.compile(r"^python3? (\S+ ?)+--worker$"), re.compile("python")
    nouns = (ProcessNoun("a", cmdline=(explodes,)), ProcessNoun("b", cmdline=(plain,)))
    both = ProcessNoun("both", cmdline=(explodes, plain))
    made_up.want((*nouns, both))
    first = made_up.completed([_shown(tmp_path, b"python " + b"a" * 60)], both, 30.0)[0]
    first, known = made_up.complete(first, nouns)
    assert first.facts.cmdline_has == {plain}
    assert first.facts.cmdline_lacks == {explodes}
    assert missing_fact(nouns[0], first, known) is None
    second = made_up.completed([_shown(tmp_path, b"python " + b"a" * 60, 10)], both, 30.0)[0]
    assert second.facts.cmdline_has == {plain}
    assert second.facts.cmdline_lacks == set()
    assert missing_fact(nouns[0], second, known) is Fact.CMDLINE
    made_up.close()


def test_a_command_line_that_hangs_holds_up_nobody_is_unknown_for_a_while_and_then_counts_as_having_nothing(
        tmp_path: Path, made_up: FactReader) -> None:
    """A child that was stopped reads no more than one that waits for the lock of a process's memory."""
    noun = ProcessNoun("n", cmdline=(re.compile("x"),))
    made_up.want((noun,))
    hangs = _shown(tmp_path, b"", 9)
    os.unlink(tmp_path / "9/cmdline")
    os.mkfifo(tmp_path / "9/cmdline")  # whoever opens it to read waits for a writer
    answers = _shown(tmp_path, b"x", 10)
    began = time.monotonic()
    for process in (hangs, answers):
        unknown, _ = made_up.complete(process, (noun,))
        assert may_match(noun, unknown)
    assert time.monotonic() - began < 0.2
    first, second = made_up.completed([hangs, answers], noun, 4.0)
    assert own_keys_match(noun, second)
    assert not own_keys_match(noun, first) and not may_match(noun, first)
    assert made_up.reader.hung == 1
    # His next one gets no time, since that could be had again and again.
    (tmp_path / "10/cmdline").unlink()
    again, _ = made_up.complete(Process(ProcessId(10, 1), 1, "x", image=7), (noun,))
    assert not may_match(noun, again)


def test_an_exec_makes_what_was_known_unknown_again(tmp_path: Path, made_up: FactReader) -> None:
    noun = ProcessNoun("n", cmdline=(re.compile("x"),))
    made_up.want((noun,))
    process = _shown(tmp_path, b"x")
    assert own_keys_match(noun, made_up.completed([process], noun, 4.0)[0])
    other, known = made_up.complete(Process(ProcessId(9, 1), 1, "x", image=5), (noun,), NOTHING_KNOWN)
    assert not own_keys_match(noun, other) and may_match(noun, other)
    assert missing_fact(noun, other, known) is Fact.CMDLINE


def test_a_reader_that_is_killed_is_replaced(tmp_path: Path, made_up: FactReader) -> None:
    noun = ProcessNoun("n", cmdline=(re.compile("x"),))
    made_up.want((noun,))
    assert made_up.completed([_shown(tmp_path, b"x")], noun, 4.0)
    first = made_up.reader.child_pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert own_keys_match(noun, made_up.completed([_shown(tmp_path, b"x", 10)], noun, 4.0)[0])
    assert made_up.reader.child_pid != first
