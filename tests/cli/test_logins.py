"""Who is logged in, and the sessions that guard protects; on a host made of real and made-up processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from watchdog_oom.cli.logins import Login, boot_time, logins, show_host
from watchdog_oom.cli.output import Page
from watchdog_oom.cli.process_details import DetailReader
from watchdog_oom.core.model import Facts, Process, ProcessId, Snapshot
from watchdog_oom.core.policy import Policy
from watchdog_oom.core.view import View
from watchdog_oom.host.clock import read_clock
from watchdog_oom.host.processes.procfs import read_stat
from watchdog_oom.lean_dataclasses import replace

# tty_ioctl(4): TIOCSCTTY
LEAD = "import fcntl\nfcntl.ioctl(0, 0x540e, 0)\nprint('on', flush=True)\ninput()"
NOW = 1_800_000_000.0


@pytest.fixture
def session() -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A process that leads a session on a terminal of its own, and that terminal."""
    ours, theirs = os.openpty()
    name = os.ttyname(theirs)
    child = subprocess.Popen([sys.executable, "-I", "-S", "-c", LEAD], stdin=theirs, stdout=subprocess.PIPE,
                             start_new_session=True)
    os.close(theirs)
    assert child.stdout is not None
    assert child.stdout.readline() == b"on\n"
    yield child, name
    child.kill()
    child.communicate()
    os.close(ours)


def _view(child: int, parent_name: str) -> View:
    """That real process, below a made-up parent of that name in place of its own."""
    leader = read_stat("/proc", child)
    assert leader is not None
    leader = replace(leader, oom_score_adj=0)
    parent = Process(ProcessId(leader.ppid, 1), 1, parent_name, facts=Facts(exe=f"/usr/sbin/{parent_name}"))
    snapshot = Snapshot(clock=read_clock(), processes={leader.pid: leader, parent.pid: parent})
    return View(snapshot, Policy())


def test_a_session_that_sshd_began_is_told_with_its_user_terminal_and_why_it_is_spared(
        session: tuple[subprocess.Popen[bytes], str]) -> None:
    child, terminal = session
    found = [login for login in logins(_view(child.pid, "sshd"), DetailReader()) if login.pid == child.pid]
    assert [(login.user, login.terminal, login.untouchable) for login in found] == [
        (psutil.Process().username(), terminal, "it leads an operator's session")]
    assert abs(found[0].since - time.time()) < 20
    assert found[0].to_plain()["from"] is None


def test_a_terminal_that_a_program_opened_for_itself_is_no_login(
        session: tuple[subprocess.Popen[bytes], str]) -> None:
    child, _ = session
    assert logins(_view(child.pid, "tmux"), DetailReader()) == ()


def test_of_another_host_nobody_is_known(session: tuple[subprocess.Popen[bytes], str], tmp_path: Path) -> None:
    assert logins(_view(session[0].pid, "sshd"), DetailReader(str(tmp_path))) == ()


def test_the_page_tells_boot_and_logins_and_nothing_where_nothing_is_known() -> None:
    booted = boot_time()
    assert booted is not None
    assert abs(booted - (time.time() - time.clock_gettime(time.CLOCK_BOOTTIME))) < 2
    page = Page()
    show_host(page, NOW - 60, (Login("root", "/dev/pts/0", "192.0.2.7", NOW - 50, 71, "bash", "it leads"),
                               Login("eve\x1b[2J", "/dev/tty1", "", NOW - 40, 72, "sh", None)), NOW)
    lines = [line.strip() for line in page.text().splitlines()]
    assert lines[0] == "This host"
    assert lines[1].startswith("booted ")
    assert lines[2].startswith("root is logged in on /dev/pts/0 from 192.0.2.7 since ")
    assert lines[2].endswith(": bash[71], never touched: it leads")
    assert lines[3].startswith("eve\\x1b[2J is logged in on /dev/tty1 since ")
    assert lines[3].endswith(": sh[72]")
    empty = Page()
    show_host(empty, None, (), NOW)
    assert empty.text() == ""
