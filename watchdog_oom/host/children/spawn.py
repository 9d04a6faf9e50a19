"""Child processes for slow work: forked, never waited for synchronously, watched by pidfd.

Every child first drops the daemon's own protection: it inherits oom_score_adj −1000, and a service started with that
would be immune to the kernel's OOM killer for as long as it runs. Locked memory is not inherited (mlockall(2));
resource limits are, and are left unchanged.

Written by hand instead of with subprocess, which adds 0.6 MiB of locked memory (this module: 0.06) and waits
synchronously for the child's exec.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

from watchdog_oom.host.children.descriptors import two_pipes, unlinked_file
from watchdog_oom.host.children.drain import Drain, keep_then_discard
from watchdog_oom.lean_dataclasses import dataclass

CLEAN_ENVIRONMENT: Mapping[str, str] = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
EXIT_CANNOT_EXEC = 127
EXIT_WORK_FAILED = 1
EXIT_NOT_KNOWN = 255
ALL_SIGNALS = frozenset(signal.valid_signals())
_HANDLED = frozenset(signal.Signals)  # what has no name is not handled, and each takes Python 10 µs to name it


@dataclass(slots=True)
class Child:
    """One child; ``output_fd`` holds what it printed (a program) or is the pipe it writes to (own work); ``drain``
    reads the output of a program that may leave something running."""

    pid: int
    pidfd: int
    output_fd: int
    status: int | None = None
    drain: Drain | None = None

    def poll(self) -> int | None:
        """The exit status as in a shell (128 + signal if killed), or ``None`` while it runs. Reaps the child.

        May be called again after the end. A child reaped by somebody else counts as 255.
        """
        if self.status is None:
            try:
                result = os.waitid(os.P_PIDFD, self.pidfd, os.WEXITED | os.WNOHANG)
            except ChildProcessError:
                self.status = EXIT_NOT_KNOWN
            else:
                if result is not None:
                    exited = result.si_code == os.CLD_EXITED
                    self.status = result.si_status if exited else 128 + result.si_status
        return self.status

    def printed(self, limit_bytes: int = 4096) -> str:
        """The first bytes that a program printed, undecodable ones escaped."""
        return os.pread(self.output_fd, limit_bytes, 0).decode("utf-8", "backslashreplace").strip()

    def trim(self, limit_bytes: int = 1 << 20, keep_bytes: int = 4096) -> None:
        """Discard a program's output beyond ``keep_bytes`` once it is more than ``limit_bytes``.

        A flood must take neither memory nor disk space, and the program must not get an error.
        """
        if os.fstat(self.output_fd).st_size > limit_bytes:
            os.ftruncate(self.output_fd, keep_bytes)

    def kill(self, *, group: bool = True) -> None:
        """Kill the child and, with ``group``, the process group it leads.

        Once the child was reaped nothing is sent: its pid may have been reused.
        """
        if self.status is not None:
            return
        # The child first: just after the fork it does not lead a group yet.
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
        if group:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    def close(self) -> None:
        os.close(self.pidfd)
        os.close(self.output_fd)


def spawn_program(argv: Sequence[str], *, output_dir: str | None = None,
                  environment: Mapping[str, str] = CLEAN_ENVIRONMENT) -> Child:
    """Start a program with a fixed argument vector: no shell, clean environment, own session, no input.

    Its output goes to an unlinked file, not a pipe: a service that keeps the stdout of its starter must not die of
    SIGPIPE when the daemon stops. The file is in memory, or in ``output_dir`` on a disk, where a flood takes no memory.
    A program that cannot be executed ends with 127 and says why in its output. Raises OSError if no process can be
    created.
    """
    output_fd = unlinked_file(output_dir)
    try:
        return _fork(lambda: _execute(argv, output_fd, environment), output_fd, EXIT_CANNOT_EXEC)
    except OSError:
        os.close(output_fd)
        raise


def spawn_drained(argv: Sequence[str], *, environment: Mapping[str, str] = CLEAN_ENVIRONMENT,
                  input_fd: int | None = None, refuse: Callable[[str], str] = lambda program: "") -> Child:
    """Like ``spawn_program``, for a program that may leave something running, such as an init script: its output goes
    to a pipe with a reader of its own, which stays as long as anybody can write to it.

    ``input_fd`` becomes its standard input. ``refuse`` is asked in the child, where it may wait for a disk, why the
    program must not be run: nothing if it may.
    """
    kept_fd = os.memfd_create("output", os.MFD_CLOEXEC)  # not for appending, which splice(2) refuses
    try:
        reading, writing, told, control = two_pipes()
    except OSError:
        os.close(kept_fd)
        raise

    def read_on() -> None:
        _close_all_but((reading, told, kept_fd))
        keep_then_discard(reading, told, kept_fd)
        os._exit(0)

    reader = None
    try:
        reader = _fork(read_on, kept_fd, EXIT_WORK_FAILED)
        child = _fork(lambda: _execute(argv, writing, environment, input_fd, refuse), kept_fd, EXIT_CANNOT_EXEC)
    except OSError:
        if reader is not None:
            _undo(reader)
        for fd in (kept_fd, reading, control):
            os.close(fd)
        raise
    finally:
        os.close(writing)
        os.close(told)
    os.close(reader.pidfd)
    child.drain = Drain(reader.pid, reading, control)
    return child


def spawn_work(work: Callable[[int], None], *, keep: Iterable[int] = ()) -> Child:
    """Run a function in a child; it gets the write end of a pipe whose read end (non-blocking) is ``output_fd``.

    All other descriptors above 2 are closed in the child, except those in ``keep``: a child that outlives the daemon
    must not hold its locks and sockets. An exception ends the child with status 1 and its text is lost, so work that
    can fail writes its failure to the pipe. Raises OSError if no process can be created.
    """
    reading, writing = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(reading, False)

    def run() -> None:
        _close_all_but((writing, *keep))
        work(writing)
        os._exit(0)

    try:
        return _fork(run, reading, EXIT_WORK_FAILED)
    except OSError:
        os.close(reading)
        raise
    finally:
        os.close(writing)


def _execute(argv: Sequence[str], output_fd: int, environment: Mapping[str, str], input_fd: int | None = None,
             refuse: Callable[[str], str] = lambda program: "") -> None:
    """In the child: become the program, or say why not."""
    os.dup2(os.open("/dev/null", os.O_RDONLY) if input_fd is None else input_fd, 0)
    os.dup2(output_fd, 1)
    os.dup2(output_fd, 2)
    _close_all_but(())
    refused = refuse(argv[0])
    if refused:
        os.write(2, f"not run: {refused}\n".encode("utf-8", "surrogateescape"))
        return
    try:
        os.execvpe(argv[0], list(argv), dict(environment))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        os.write(2, f"{argv[0]}: {reason}\n".encode("utf-8", "surrogateescape"))


def _fork(body: Callable[[], None], output_fd: int, failed_status: int) -> Child:
    # A signal between the fork and the reset of dispositions would run the daemon's handlers in the child, and write
    # to the daemon's wakeup descriptor.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)
    try:
        pid = os.fork()
        if pid == 0:
            try:
                _leave_the_daemon_behind()
                body()
            finally:
                os._exit(failed_status)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    try:
        return Child(pid, os.pidfd_open(pid), output_fd)
    except OSError:
        # Our own child, not reaped yet, so the pid is valid. It cannot be watched, so it must not run.
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise


def _undo(child: Child) -> None:
    """End a child of ours that has just begun, and is not needed after all."""
    os.close(child.pidfd)
    os.kill(child.pid, signal.SIGKILL)
    os.waitpid(child.pid, 0)


def _leave_the_daemon_behind() -> None:
    """Own session, default signals, normal priority, no OOM protection, working directory ``/``."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    for number in ALL_SIGNALS - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    with suppress(OSError):
        adjustment = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
        os.write(adjustment, b"0")
        os.close(adjustment)
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        os.setpriority(os.PRIO_PROCESS, 0, 0)
    os.umask(0o022)
    os.chdir("/")


def _close_all_but(kept: Iterable[int]) -> None:
    first = 3
    for fd in sorted(kept):
        os.closerange(first, fd)
        first = max(first, fd + 1)
    os.closerange(first, max(first, _highest_fd() + 1))


def _highest_fd() -> int:
    try:
        return max(int(name) for name in os.listdir("/proc/self/fd"))
    except OSError:
        return 1024
