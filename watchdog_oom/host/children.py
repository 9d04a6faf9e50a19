"""Child processes for slow work: forked, never waited for in place, watched by pidfd.

Every child leaves the daemon's own protection behind before it does anything: it inherits oom_score_adj −1000, and a
service started with that would be immune to the kernel for as long as it lives. Locked memory is not inherited
(mlockall(2)).
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

CLEAN_ENVIRONMENT: Mapping[str, str] = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
EXIT_CANNOT_EXEC = 127


@dataclass(slots=True)
class Child:
    """One child; ``output_fd`` holds what it printed (a program) or is the pipe it writes to (own work)."""

    pid: int
    pidfd: int
    output_fd: int

    def poll(self) -> int | None:
        """The exit status as shells count it (128 + signal when killed), or ``None`` while it runs. Reaps it."""
        result = os.waitid(os.P_PIDFD, self.pidfd, os.WEXITED | os.WNOHANG)
        if result is None:
            return None
        return result.si_status if result.si_code == os.CLD_EXITED else 128 + result.si_status

    def printed(self, limit_bytes: int = 4096) -> str:
        """The first bytes a program printed, undecodable ones escaped."""
        return os.pread(self.output_fd, limit_bytes, 0).decode("utf-8", "backslashreplace").strip()

    def kill(self) -> None:
        """End the child and the process group it leads. It is our unreaped child, so its pid cannot be another's."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def close(self) -> None:
        os.close(self.pidfd)
        os.close(self.output_fd)


def spawn_program(argv: Sequence[str], *, output_dir: str | None = None,
                  environment: Mapping[str, str] = CLEAN_ENVIRONMENT) -> Child:
    """Start a program with a fixed argument vector: no shell, clean environment, own session, no input.

    What it prints goes to an unlinked file rather than a pipe: a service that keeps its starter's stdout must not die
    of SIGPIPE when the daemon stops. A program that cannot be executed ends with 127 and says why in its output.
    """
    output_fd = _unlinked_file(output_dir)

    def execute() -> None:
        null = os.open("/dev/null", os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(output_fd, 1)
        os.dup2(output_fd, 2)
        os.closerange(3, _highest_fd() + 1)
        os.umask(0o022)
        try:
            os.execvpe(argv[0], list(argv), dict(environment))
        except OSError as error:
            os.write(2, f"{argv[0]}: {error.strerror}\n".encode("utf-8", "surrogateescape"))

    return _fork(execute, output_fd)


def spawn_work(work: Callable[[int], None]) -> Child:
    """Run own code in a child; it gets the writing end of a pipe whose reading end (non-blocking) is ``output_fd``.

    An exception ends the child with status 1; its text is lost, so work that can fail writes its failure to the pipe.
    """
    reading, writing = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(reading, False)

    def run() -> None:
        os.close(reading)
        work(writing)
        os._exit(0)

    child = _fork(run, reading)
    os.close(writing)
    return child


def _fork(body: Callable[[], None], output_fd: int) -> Child:
    pid = os.fork()
    if pid == 0:
        try:
            _leave_the_daemon_behind()
            body()
        finally:
            os._exit(EXIT_CANNOT_EXEC if body.__name__ == "execute" else 1)
    return Child(pid, os.pidfd_open(pid), output_fd)


def _leave_the_daemon_behind() -> None:
    """Own session, default signals, no OOM protection, no working directory held."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD, signal.SIGPIPE, signal.SIGUSR1):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    with suppress(OSError):
        adjustment = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
        os.write(adjustment, b"0")
        os.close(adjustment)
    os.chdir("/")


def _unlinked_file(directory: str | None) -> int:
    """A file without a name: in the given directory (of a disk) where possible, else in memory."""
    if directory is not None:
        with suppress(OSError):
            return os.open(directory, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    return os.memfd_create("output", os.MFD_CLOEXEC)


def _highest_fd() -> int:
    return max((int(name) for name in os.listdir("/proc/self/fd")), default=1024)
