"""Signals to other processes, only through a pidfd of the process that was judged (Law 1).

Needs Linux 5.3 (pidfd_open(2), pidfd_send_signal(2)).
"""

from __future__ import annotations

import errno
import os
import select
import signal
from collections.abc import Callable
from contextlib import suppress

from watchdog_oom.core.actions import Signal, SignalName
from watchdog_oom.core.model import Process, ProcessId
from watchdog_oom.core.outcome import Outcome
from watchdog_oom.formatting import printable
from watchdog_oom.host.processes.procfs import read_stat
from watchdog_oom.lean_dataclasses import dataclass

_NUMBERS = {SignalName.TERM: signal.SIGTERM, SignalName.KILL: signal.SIGKILL,
            SignalName.STOP: signal.SIGSTOP, SignalName.CONT: signal.SIGCONT}
_NO_PIDFD = "this kernel cannot open pidfds; Linux 5.3 or later is needed"


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a signal. ``pidfd`` is open, and the caller's to close, after a TERM or KILL was sent: it becomes
    readable when the process ends."""

    outcome: Outcome
    pidfd: int | None = None


def send(action: Signal, still: Callable[[Process], bool], *, root: str = "/proc") -> Sent:
    """Send one signal to one process, if it is still the one that was judged and the rule still means it.

    A pidfd is opened first. If pid and start ticks read after that match, they are those of the pidfd's process, and
    the signal cannot reach another process (Law 1). ``still`` gets the fresh stat reading, without facts, and says
    whether the rule still matches. The process group is never signalled.
    """
    if action.target.pid <= 1 or action.target.pid == os.getpid():
        return _not_sent("pid 1 and the daemon itself are never signalled")  # Law 2
    try:
        pidfd = os.pidfd_open(action.target.pid)
    except OSError as error:
        return _failure(error)
    result = None
    try:
        process = read_stat(root, action.target.pid)
        result = _objection(action, process, still) or _deliver(pidfd, action.signal, process)
    except ValueError as error:
        return _not_sent(f"it could not be recognized: {error}")
    finally:
        if result is None or result.pidfd is None:
            os.close(pidfd)
    return result


def _objection(action: Signal, process: Process | None, still: Callable[[Process], bool]) -> Sent | None:
    if process is None or process.dead:
        return _not_sent("it had ended already")
    if process.id != action.target:
        return _not_sent(f"it had ended, and pid {process.pid} is another process now "
                         f"({printable(process.comm)})")
    if process.kernel_thread:
        return _not_sent("kernel threads are never signalled")  # Law 2
    if not still(process):
        return _not_sent("the rule no longer matches it")
    return None


def _deliver(pidfd: int, name: SignalName, process: Process | None) -> Sent:
    try:
        signal.pidfd_send_signal(pidfd, _NUMBERS[name])
    except OSError as error:
        return _failure(error)
    match name:
        case SignalName.KILL:
            return Sent(Outcome(True, "KILL sent"), pidfd)
        case SignalName.TERM if process is not None and process.state == "T":
            # A stopped process acts on TERM only once it runs again.
            with suppress(OSError):
                signal.pidfd_send_signal(pidfd, signal.SIGCONT)
            return Sent(Outcome(True, "TERM sent, and CONT, because it was stopped"), pidfd)
        case SignalName.TERM:
            return Sent(Outcome(True, "TERM sent"), pidfd)
        case SignalName.STOP | SignalName.CONT:
            return Sent(Outcome(True, f"{name} sent"))


def _not_sent(words: str) -> Sent:
    return Sent(Outcome(False, words))


def _failure(error: OSError) -> Sent:
    match error.errno:
        case errno.ESRCH:
            return _not_sent("it had ended already")
        case errno.EPERM:
            return _not_sent("not permitted: signals to processes of other users need CAP_KILL")
        case errno.ENOSYS:
            return _not_sent(_NO_PIDFD)
        case errno.EINVAL | errno.ENOENT:
            # pidfd_open(2) of a thread that does not lead its process; which of the two depends on the kernel.
            return _not_sent("the number is a thread's, not a process's")
        case _:
            return _not_sent(f"the signal could not be sent: {error.strerror}")


class PidfdSet:
    """The signalled processes whose end is awaited, through one descriptor: ``fileno()`` is readable when any ended."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._pidfds: dict[int, ProcessId] = {}

    def __len__(self) -> int:
        return len(self._pidfds)

    def fileno(self) -> int:
        return self._epoll.fileno()

    def add(self, identity: ProcessId, pidfd: int) -> None:
        """Take over an open pidfd; a second one of the same process is closed immediately."""
        if identity in self._pidfds.values():
            os.close(pidfd)
            return
        self._epoll.register(pidfd, select.EPOLLIN)
        self._pidfds[pidfd] = identity

    def ended(self) -> tuple[ProcessId, ...]:
        """The processes that ended since the last call, all threads included; their descriptors are closed."""
        return tuple(self._drop(pidfd) for pidfd, _ in self._epoll.poll(0))

    def close(self) -> None:
        for pidfd in tuple(self._pidfds):
            self._drop(pidfd)
        self._epoll.close()

    def _drop(self, pidfd: int) -> ProcessId:
        self._epoll.unregister(pidfd)
        os.close(pidfd)
        return self._pidfds.pop(pidfd)
