"""Facts: read only as far as they decide, from real children and a made-up /proc."""

import os
import pwd
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from watchdog_oom.core.glob import glob_pattern
from watchdog_oom.core.matching import Fact, missing_fact, own_keys_match
from watchdog_oom.core.model import Process, ProcessId
from watchdog_oom.core.nouns import ProcessNoun
from watchdog_oom.host.processes.facts import FactReader, UserNames
from watchdog_oom.host.processes.procfs import read_cmdline, read_stat


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


def _made_up(root: Path, pid: int) -> Process:
    """A process of which only the executable can be read: its other files are directories, so reading them fails."""
    folder = root / str(pid)
    folder.mkdir()
    (folder / "exe").symlink_to("/usr/bin/perl")
    for name in ("status", "cgroup", "cmdline"):
        (folder / name).mkdir()
    return Process(ProcessId(pid, 1), 1, "perl")


def test_nothing_is_read_of_a_process_that_cannot_match_any_more(tmp_path: Path) -> None:
    process = _made_up(tmp_path, 9)
    by_name = ProcessNoun("a", comm=(glob_pattern("httpd"),), cmdline=(re.compile("x"),))
    by_exe = ProcessNoun("b", exe=(glob_pattern("/usr/bin/python*"),), user=("root",), cmdline=(re.compile("x"),))
    completed, known = FactReader(str(tmp_path)).complete(process, (by_name, by_exe))
    assert known == {Fact.EXE}
    assert completed.facts.exe == "/usr/bin/perl"
    with pytest.raises(OSError, match="directory"):  # what a needless reading would have met
        FactReader(str(tmp_path)).complete(process, (ProcessNoun("c", cmdline=(re.compile("x"),)),))


def test_every_fact_of_a_real_child_is_found(child: int) -> None:
    process = read_stat("/proc", child)
    assert process is not None
    exe = (glob_pattern("/**/sleep"), glob_pattern("/**/coreutils"))
    nouns = (ProcessNoun("all", exe=exe, user=(str(os.geteuid()),), cmdline=(re.compile(r"^sleep 60$"),)),)
    completed, known = FactReader("/proc").complete(process, nouns)
    assert known == {Fact.EXE, Fact.USER, Fact.CMDLINE}
    assert completed.facts.user == pwd.getpwuid(os.geteuid()).pw_name
    assert own_keys_match(nouns[0], completed)
    assert FactReader("/proc").everything(process).facts.cmdline == "sleep 60"


def test_a_user_without_a_name_is_none() -> None:
    names = UserNames()
    assert names.name(0) == "root"
    assert names.name(0) == "root"
    assert names.name(4_000_000_123) is None
    assert names.name(1 << 70) is None


def test_each_noun_searches_a_command_line_for_its_own_patterns_and_what_rests_is_asked_again(tmp_path: Path) -> None:
    folder = tmp_path / "9"
    folder.mkdir()
    (folder / "cmdline").write_bytes(b"python " + b"a" * 60)
    (folder / "status").write_text("Uid:\t1\t1\t1\t1\n")
    explodes, plain = re.compile(r"^python3? (\S+ ?)+--worker$"), re.compile("python")
    nouns = (ProcessNoun("a", cmdline=(explodes,)), ProcessNoun("b", cmdline=(plain,)))
    reader = FactReader(str(tmp_path))
    first, known = reader.complete(Process(ProcessId(9, 1), 1, "x"), nouns)
    assert first.facts.cmdline_has == {plain}
    assert first.facts.cmdline_lacks == {explodes}
    assert missing_fact(nouns[0], first, known) is None
    assert reader.postponed == 0
    second, known = reader.complete(Process(ProcessId(9, 1), 1, "x"), nouns)
    assert second.facts.cmdline_has == {plain}
    assert second.facts.cmdline_lacks == set()
    assert missing_fact(nouns[0], second, known) is Fact.CMDLINE
    assert reader.postponed == 1
