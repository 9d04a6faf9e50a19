"""Owns the child that supervises a purge: it looks who uses what, keeps the purge going, and touches no file.

It keeps the daemon's rights only to see what others use, and to end a worker that makes no progress. All that touches
files is done by that worker, which has become the spool's owner for good, and by a helper of it: whatever tricks that
user plays in the spool, they can do no more than he could himself (Law 7).
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable
from contextlib import suppress

from watchdog_oom import formatting
from watchdog_oom.core.nouns import Busy
from watchdog_oom.host import syscalls
from watchdog_oom.host.purge import pair, reap, worker
from watchdog_oom.host.purge.become import become
from watchdog_oom.host.purge.in_use import NOTHING_IN_USE, InUse, Look, pack_in_use, read_in_use, unpack_in_use
from watchdog_oom.host.purge.messages import Deleted, Failed, PurgeNews, to_line
from watchdog_oom.host.purge.mounts import Mount, children_with_mounts, in_trash, read_mountinfo, remote_points
from watchdog_oom.host.purge.open_files import Place
from watchdog_oom.host.purge.pace import Pace, step_back
from watchdog_oom.host.purge.request import PurgeRequest
from watchdog_oom.host.purge.trash import remaining
from watchdog_oom.host.spools.path_safety import SpoolRefusedError, open_spool, open_without_symlinks
from watchdog_oom.lean_dataclasses import dataclass

_SIGN_SECONDS = 0.5
_ASKS, _GOES_ON, _ANSWER = b"?", b".", b"!"


def supervise(request: PurgeRequest, out_fd: int, daemon_pid: int) -> None:
    """The child: end with the daemon, and report any failure in words."""
    def tell(news: PurgeNews) -> None:
        os.write(out_fd, to_line(news))

    try:
        syscalls.die_with_parent(daemon_pid)
        if request.gently:
            step_back()
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)  # a worker that died is found out by its status
        supervisor = _Supervisor(request, tell, daemon_pid)
        if request.search:
            tell(Deleted(0))
        else:
            supervisor.run()
        supervisor.tell_what_remains()
    except SpoolRefusedError as refused:
        tell(Failed(str(refused)))
    except OSError as error:
        tell(Failed(f"the purge of {request.noun.path} failed: {error.strerror or error}"))


class _Supervisor:
    def __init__(self, request: PurgeRequest, tell: Callable[[PurgeNews], None], daemon_pid: int) -> None:
        self._request = request
        self._tell = tell
        self._clear_by = time.monotonic() + request.within_seconds
        self._spool_fd = open_spool(request.noun.path)
        self._owner = os.fstat(self._spool_fd)
        self._parent_fd = self._open_parent()
        self._mounts = read_mountinfo()
        self._without = [os.getpid(), daemon_pid]

    def run(self) -> None:
        in_use_fd = os.memfd_create("in-use", os.MFD_CLOEXEC)  # nothing here may wait for a worker to read a pipe
        asked_fd, asking_fd = os.pipe2(os.O_CLOEXEC)
        answered_fd, answering_fd = os.pipe2(os.O_CLOEXEC)
        order = self._task(self._look(), asking_fd)
        supervisor_pid = os.getpid()
        pid = os.fork()
        if pid == 0:
            try:
                os.close(asked_fd)
                os.close(answering_fd)
                self._work(order, supervisor_pid, _Asking(asking_fd, answered_fd, in_use_fd))
                os._exit(0)
            finally:
                os._exit(1)
        os.close(asking_fd)
        os.close(answered_fd)
        self._without.append(pid)
        why = self._watch(asked_fd, answering_fd, in_use_fd)
        if why is not None:
            reap.end(pid)
            self._tell(Failed(f"the purge was ended: {why}"))
            return
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if status != 0:
            self._tell(Failed(f"the purge's worker {_ending(status)} before it was finished"))

    def tell_what_remains(self) -> None:
        """What stands in trash directories now: what could not be deleted, or waits for the end of its purge."""
        fds = [fd for fd in (self._spool_fd, self._parent_fd) if fd is not None]
        left = remaining(fds, self._owner.st_ino, self._owner.st_uid)
        if left.entries:
            self._tell(left)

    def _task(self, in_use: InUse, asking_fd: int) -> worker.PurgeTask:
        path = self._request.noun.path
        return worker.PurgeTask(
            noun=self._request.noun, spool_fd=self._spool_fd, parent_fd=self._parent_fd,
            mounted=children_with_mounts(self._mounts, path), limit=self._request.allowed,
            offsets=self._request.offsets, in_use=in_use, alive=self._signs(asking_fd), alone=self._request.gently,
            mounted_in_trash=in_trash(self._mounts, path) | in_trash(self._mounts, os.path.dirname(path)))

    def _signs(self, asking_fd: int) -> Callable[[], None]:
        signs = _Signs(asking_fd)
        pace = Pace() if self._request.gently else None

        def go_on() -> None:
            signs.give()
            if pace is not None:
                pace.rest()
        return go_on

    def _watch(self, asked_fd: int, answering_fd: int, in_use_fd: int) -> str | None:
        """Until the worker and its helper have ended: answer the question, once. Why they have to be ended instead."""
        cleared = False
        heard = time.monotonic()
        while True:
            now = time.monotonic()
            if now >= heard + self._request.stalled_seconds:
                return f"it made no progress for {formatting.duration(self._request.stalled_seconds)}"
            if not cleared and now >= self._clear_by:
                return f"the spool was not cleared within {formatting.duration(self._request.within_seconds)}"
            until = heard + self._request.stalled_seconds
            if not select.select([asked_fd], [], [], (until if cleared else min(until, self._clear_by)) - now)[0]:
                continue
            told = os.read(asked_fd, 4096)
            if not told:
                return None
            if _ASKS in told and not cleared:
                cleared = True
                _write_all(in_use_fd, pack_in_use(self._look()))
                with suppress(BrokenPipeError):
                    os.write(answering_fd, _ANSWER)
            heard = time.monotonic()

    def _work(self, order: worker.PurgeTask, supervisor_pid: int, asking: _Asking) -> None:
        """The worker. It writes its news itself: the supervisor speaks only when the worker did not end well."""
        try:
            become(self._owner.st_uid, self._owner.st_gid)
            syscalls.die_with_parent(supervisor_pid)
            pair.run(order, self._tell, asking.look_again)
        except OSError as error:
            self._tell(Failed(f"the purge of {self._request.noun.path} failed: {error.strerror or error}"))

    def _look(self) -> InUse:
        """Who uses what now; nobody where the policy says ``busy = "ignore"``."""
        if self._request.noun.busy is Busy.IGNORE:
            return NOTHING_IN_USE
        mount = self._mount_of(self._spool_fd)
        place = Place(self._owner.st_dev if mount is None else mount.device, self._owner.st_dev,
                      "" if mount is None else mount.filesystem)
        return read_in_use(Look(self._request.proc_root, place, self._mounts,
                                remote_points(self._mounts, self._request.noun.path), self._without,
                                self._request.patience_seconds))

    def _mount_of(self, fd: int) -> Mount | None:
        number = syscalls.mount_id(fd)
        return next((mount for mount in self._mounts if mount.id == number), None)

    def _open_parent(self) -> int | None:
        """The spool's parent where entries can be renamed into it: readable, and on the same mount."""
        try:
            fd = open_without_symlinks(os.path.dirname(self._request.noun.path))
        except OSError:
            return None
        if syscalls.mount_id(fd) != syscalls.mount_id(self._spool_fd):
            os.close(fd)
            return None
        return fd


@dataclass(frozen=True, slots=True)
class _Asking:
    """The worker's ends of what it shares with the supervisor."""

    asking_fd: int
    answered_fd: int
    in_use_fd: int

    def look_again(self) -> InUse:
        """Raises OSError when the supervisor did not answer in full: nothing is deleted then."""
        os.write(self.asking_fd, _ASKS)
        told = os.read(self.answered_fd, 1)
        return unpack_in_use(os.pread(self.in_use_fd, os.fstat(self.in_use_fd).st_size, 0) if told else b"")


class _Signs:
    """Signs of life of the worker and its helper, a few a second at most."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._next = 0.0

    def give(self) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _SIGN_SECONDS
            with suppress(BrokenPipeError):
                os.write(self._fd, _GOES_ON)


def _write_all(fd: int, content: bytes) -> None:
    while content:
        content = content[os.write(fd, content):]


def _ending(status: int) -> str:
    return f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
