"""Signals: they reach the process that was judged, or none."""

from __future__ import annotations

import ctypes
import errno
import os
import select
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from watchdog_oom.core.actions import Signal, SignalName
from watchdog_oom.core.model import Process, ProcessId
from watchdog_oom.core.outcome import Outcome
from watchdog_oom.host.processes.procfs import read_stat
from watchdog_oom.host.processes.signals import PidfdSet, Sent, send

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
IGNORES_TERM = "import signal, time\nsignal.signal(15, signal.SIG_IGN)\nprint(flush=True)\ntime.sleep(60)"
LEADER_GONE = """
import ctypes, threading, time
threading.Thread(target=time.sleep, args=(60,)).start()
print(flush=True)
ctypes.CDLL(None).syscall(60, 0)
"""
TWO_THREADS = LEADER_GONE.replace("ctypes.CDLL(None).syscall(60, 0)", "")


def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.002)


@contextmanager
def running(*argv: str, ready: bool = False) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(argv, stdout=subprocess.PIPE, start_new_session=True) as child:
        try:
            if ready and child.stdout is not None:
                child.stdout.readline()
            yield child
        finally:
            child.kill()


def stat(pid: int) -> Process:
    process = read_stat("/proc", pid)
    assert process is not None
    return process


def state(pid: int) -> str:
    return stat(pid).state


def step(pid: int, name: SignalName) -> Signal:
    process = stat(pid)
    return Signal(process.id, process.comm, name)


def yes(_: Process) -> bool:
    return True


def close(result: Sent) -> None:
    if result.pidfd is not None:
        os.close(result.pidfd)


def readable(fd: int) -> bool:
    return bool(select.select([fd], [], [], 0)[0])


def in_a_fork(work: Callable[[], bool]) -> bool:
    """Do something irrevocable in a child; returns whether the result was as expected."""
    pid = os.fork()
    if pid == 0:
        status = 1
        with suppress(BaseException):
            status = 0 if work() else 1
        os._exit(status)
    return os.waitpid(pid, 0)[1] == 0


def test_term_is_sent_and_the_end_is_seen_on_the_pidfd() -> None:
    with running("sleep", "60") as child:
        result = send(step(child.pid, SignalName.TERM), yes)
        assert result.outcome == Outcome(True, "TERM sent")
        fd = result.pidfd
        assert fd is not None
        until(lambda: readable(fd))
        close(result)
        assert child.wait() == -signal.SIGTERM


def test_what_ignores_term_ends_by_kill() -> None:
    with running(sys.executable, "-c", IGNORES_TERM, ready=True) as child:
        result = send(step(child.pid, SignalName.TERM), yes)
        assert result.outcome.ok
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(0.1)
        close(result)
        close(send(step(child.pid, SignalName.KILL), yes))
        assert child.wait() == -signal.SIGKILL


def test_a_frozen_process_can_be_continued_killed_and_terminated() -> None:
    for name in (SignalName.CONT, SignalName.KILL, SignalName.TERM):
        with running("sleep", "60") as child:
            frozen = send(step(child.pid, SignalName.STOP), yes)
            assert frozen.outcome.ok
            assert frozen.pidfd is None
            until(lambda: state(child.pid) == "T")
            result = send(step(child.pid, name), yes)
            assert result.outcome.ok
            close(result)
            if name is SignalName.CONT:
                until(lambda: state(child.pid) == "S")
            else:
                assert child.wait() == -getattr(signal, f"SIG{name}")


def test_the_one_that_is_signalled_is_matched_again_as_it_is_now() -> None:
    seen: list[Process] = []

    def no_longer(process: Process) -> bool:
        seen.append(process)
        return False

    with running("sleep", "60") as child:
        result = send(step(child.pid, SignalName.KILL), no_longer)
        assert result.outcome == Outcome(False, "the rule no longer matches it")
        assert [process.comm for process in seen] == ["sleep"]
        assert state(child.pid) in "SR"


def test_no_descriptor_is_left_open_whatever_becomes_of_a_signal() -> None:
    def broken(_: Process) -> bool:
        raise RuntimeError

    with running("sleep", "60") as child:
        target = step(child.pid, SignalName.TERM)
        before = os.listdir("/proc/self/fd")
        send(target, lambda _: False)
        send(replace(target, signal=SignalName.STOP), yes)
        send(replace(target, target=ProcessId(child.pid, 1)), yes)
        with pytest.raises(RuntimeError):
            send(target, broken)
        assert os.listdir("/proc/self/fd") == before


def test_one_that_has_ended_is_gone_whether_reaped_or_not() -> None:
    with running("true") as child:
        target = step(child.pid, SignalName.TERM)
        until(lambda: state(child.pid) == "Z")
        assert send(target, yes).outcome == Outcome(False, "it had ended already")
        child.wait()
        assert send(target, yes).outcome == Outcome(False, "it had ended already")


def test_a_zombie_leader_whose_threads_live_on_is_killed_and_waited_for() -> None:
    with running(sys.executable, "-c", LEADER_GONE, ready=True) as child:
        until(lambda: state(child.pid) == "Z")
        result = send(step(child.pid, SignalName.KILL), yes)
        assert result.outcome.ok
        fd = result.pidfd
        assert fd is not None
        until(lambda: readable(fd))
        close(result)


def test_a_hostile_name_makes_no_zombie_of_a_living_process(tmp_path: Path) -> None:
    program = tmp_path / "a) Z 1 ("
    shutil.copy("/bin/sleep", program)
    with running(str(program), "60") as child:
        until(lambda: stat(child.pid).comm == "a) Z 1 (")
        close(send(step(child.pid, SignalName.TERM), yes))
        assert child.wait() == -signal.SIGTERM


@pytest.mark.root
@needs_root
def test_a_recycled_pid_is_never_signalled() -> None:
    target, second = recycled()
    try:
        result = send(target, yes)
        assert not result.outcome.ok and "is another process now" in result.outcome.words
        assert result.pidfd is None
        assert state(second) in "SR"
        assert os.waitpid(second, os.WNOHANG) == (0, 0)
    finally:
        os.kill(second, signal.SIGKILL)
        os.waitpid(second, 0)


def recycled() -> tuple[Signal, int]:
    """A signal for a process that has ended, and the living one that has its pid; again where another takes the pid."""
    for _ in range(20):
        with running("sleep", "60") as first:
            target = step(first.pid, SignalName.KILL)
            first.kill()
            first.wait()
        ticks = os.sysconf("SC_CLK_TCK")
        until(lambda: ticks * time.clock_gettime(time.CLOCK_BOOTTIME) > target.target.start_ticks + 2)  # noqa: B023
        for _ in range(5):
            Path("/proc/sys/kernel/ns_last_pid").write_text(str(target.target.pid - 1))
            pid = os.fork()
            if pid == 0:
                time.sleep(60)
                os._exit(0)
            if pid == target.target.pid:
                return target, pid
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    pytest.skip("others took the pid each time")


@pytest.mark.root
@needs_root
def test_what_may_not_be_signalled_is_told_with_the_capability_that_is_missing() -> None:
    with running("sleep", "60") as child:
        target = step(child.pid, SignalName.KILL)

        def as_nobody() -> bool:
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
            result = send(target, yes)
            told = result.outcome.words
            return not result.outcome.ok and told.startswith("not permitted") and "CAP_KILL" in told

        assert in_a_fork(as_nobody)
        assert child.poll() is None


@pytest.mark.parametrize("whose", ["a group", "own group", "pid 1", "itself"])
def test_pid_1_and_the_daemon_itself_are_refused_before_anything_is_opened(whose: str) -> None:
    pid = {"a group": -1, "own group": 0, "pid 1": 1, "itself": os.getpid()}[whose]
    refused = send(Signal(ProcessId(pid, 0), "x", SignalName.CONT), yes, root="/nonexistent")
    assert refused.outcome.words.startswith("pid 1 and")


def test_a_kernel_thread_is_refused() -> None:
    kthreadd = read_stat("/proc", 2)
    if kthreadd is None or not kthreadd.kernel_thread:
        pytest.skip("no kernel thread is visible here")
    assert send(step(2, SignalName.CONT), yes).outcome == Outcome(False, "kernel threads are never signalled")


def test_a_thread_is_refused() -> None:
    with running(sys.executable, "-c", TWO_THREADS, ready=True) as child:
        (thread,) = (int(name) for name in os.listdir(f"/proc/{child.pid}/task") if int(name) != child.pid)
        assert send(step(thread, SignalName.KILL), yes).outcome == Outcome(
            False, "the number is a thread's, not a process's")
        assert child.poll() is None


def test_the_rest_of_the_process_group_is_not_signalled() -> None:
    with running("sh", "-c", "sleep 60 & echo $!; wait") as leader:
        assert leader.stdout is not None
        other = int(leader.stdout.readline())
        close(send(step(leader.pid, SignalName.KILL), yes))
        leader.wait()
        time.sleep(0.05)
        assert state(other) in "SR"
        os.kill(other, signal.SIGKILL)


def test_a_damaged_stat_stops_the_signal_and_nothing_else(tmp_path: Path) -> None:
    with running("sleep", "60") as child:
        target = step(child.pid, SignalName.KILL)
        (tmp_path / str(child.pid)).mkdir()
        (tmp_path / str(child.pid) / "stat").write_bytes(b"\xff garbage")
        assert send(target, yes, root=str(tmp_path)).outcome.words.startswith("it could not be recognized")
        assert state(child.pid) in "SR"


def test_a_kernel_without_pidfds_is_refused_in_words() -> None:
    with running("sleep", "60") as child:
        target = step(child.pid, SignalName.KILL)

        def without_pidfds() -> bool:
            forbid_syscall(434)  # pidfd_open
            result = send(target, yes)
            return "Linux 5.3" in result.outcome.words

        assert in_a_fork(without_pidfds)
        assert child.poll() is None


def forbid_syscall(number: int) -> None:
    """Make this process's kernel answer ENOSYS to one system call (seccomp(2))."""
    def instruction(code: int, true: int, false: int, value: int) -> bytes:
        return struct.pack("HBBI", code, true, false, value)
    program = (instruction(0x20, 0, 0, 0) + instruction(0x15, 0, 1, number)
               + instruction(0x06, 0, 0, 0x00050000 | errno.ENOSYS) + instruction(0x06, 0, 0, 0x7FFF0000))
    buffer = ctypes.create_string_buffer(program)
    filter_ = struct.pack("HxxxxxxP", 4, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None)
    assert libc.prctl(38, 1, 0, 0, 0) == 0
    assert libc.prctl(22, 2, filter_, 0, 0) == 0


def test_the_set_of_pidfds_tells_each_end_once_through_one_descriptor() -> None:
    ends = PidfdSet()
    with running("sleep", "60") as first, running("sleep", "60") as second:
        identities = [stat(child.pid).id for child in (first, second)]
        before = len(os.listdir("/proc/self/fd"))
        for child in (first, second, second):
            ends.add(stat(child.pid).id, os.pidfd_open(child.pid))
        assert len(ends) == 2
        assert (readable(ends.fileno()), ends.ended()) == (False, ())
        second.kill()
        until(lambda: readable(ends.fileno()))
        assert ends.ended() == (identities[1],)
        assert ends.ended() == ()
        assert len(os.listdir("/proc/self/fd")) == before + 1
        ends.close()
        assert len(os.listdir("/proc/self/fd")) == before - 1
