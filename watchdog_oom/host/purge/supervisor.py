"""Owns the purge as the loop sees it: a job in a child process; and that child, which looks but touches no file.

The child (the supervisor) keeps our rights only to see who uses what. All that touches files is done by a worker it
forks, which becomes the spool's owner for good, and by a helper of that worker: whatever tricks that user plays in the
spool, they can do no more than he could himself (Law 7).
"""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable
from contextlib import suppress

from watchdog_oom.core.nouns import Busy, SpoolNoun
from watchdog_oom.host import syscalls
from watchdog_oom.host.children import spawn
from watchdog_oom.host.purge import pair, worker
from watchdog_oom.host.purge.in_use import NOTHING_IN_USE, InUse, pack_in_use, read_in_use, unpack_in_use
from watchdog_oom.host.purge.messages import Deleted, Failed, PurgeNews, parse_line, to_line
from watchdog_oom.host.purge.mounts import Mount, children_with_mounts, read_mountinfo, remote_points
from watchdog_oom.host.spools.path_safety import SpoolRefusedError, open_spool, open_without_symlinks
from watchdog_oom.lean_dataclasses import dataclass

MOST_ENTRIES = 200_000  # Law 3: whatever policies say; about 500 bytes of the worker's memory each
_MOST_WAITING_BYTES = 1 << 16
_NOBODYS_GID = 65534


@dataclass(frozen=True, slots=True)
class PurgeRequest:
    """One purge: the spool, the most entries it may take, and the clock offsets seen since the daemon started (see
    ``Clock``), so that a jump of the date makes nothing stale."""

    noun: SpoolNoun
    limit: int = MOST_ENTRIES
    offsets: tuple[float, ...] = ()
    proc_root: str = "/proc"

    @property
    def allowed(self) -> int:
        """The most entries this run may take: the smallest of the policy's, the plan's and our own limit (Law 3)."""
        wanted = self.limit if self.noun.limit is None else min(self.limit, self.noun.limit)
        return max(0, min(wanted, MOST_ENTRIES))


class PurgeJob:
    """A purge under way. The loop waits for ``fileno`` or ``child.pidfd`` to be readable, then calls ``poll``."""

    def __init__(self, child: spawn.Child) -> None:
        self.child = child
        self._waiting = b""
        self._told_the_end = False

    def fileno(self) -> int:
        return self.child.output_fd

    @property
    def done(self) -> bool:
        """Whether the end was told and the child reaped: time to ``close``."""
        return self._told_the_end and self.child.status is not None

    def poll(self) -> tuple[PurgeNews, ...]:
        """What was told since the last call, without waiting. ``Deleted`` or ``Failed`` is the last news, and there is
        always one: a child that died says so."""
        status = self.child.poll()  # before the pipe is read, so that nothing it wrote is missed
        news: list[PurgeNews] = []
        for line in self._lines():
            if self._told_the_end:
                break
            news.append(parse_line(line))
            self._told_the_end = isinstance(news[-1], Deleted | Failed)
        if status is not None and not self._told_the_end:
            news.append(Failed(f"the purge ended with status {status} before it was finished"))
            self._told_the_end = True
        return tuple(news)

    def cancel(self) -> None:
        """End what still runs: what was cleared stays in the trash, and the next purge settles it."""
        self.child.kill()

    def close(self) -> None:
        """Release the descriptors, ending the child if it still runs; never waits for it."""
        self.cancel()
        self.child.poll()
        self.child.close()

    def _lines(self) -> list[bytes]:
        with suppress(BlockingIOError):
            while len(self._waiting) < _MOST_WAITING_BYTES and (chunk := os.read(self.fileno(), _MOST_WAITING_BYTES)):
                self._waiting += chunk
        *lines, self._waiting = self._waiting.split(b"\n")
        self._waiting = self._waiting[:_MOST_WAITING_BYTES - 1]
        return lines


def start_purge(request: PurgeRequest) -> PurgeJob:
    """Start a purge in a child process. Raises OSError where none can be forked."""
    daemon_pid = os.getpid()
    return PurgeJob(spawn.spawn_work(lambda out_fd: _supervise(request, out_fd, daemon_pid)))


def _supervise(request: PurgeRequest, out_fd: int, daemon_pid: int) -> None:
    """The child: end with the daemon, and report any failure in words."""
    def tell(news: PurgeNews) -> None:
        os.write(out_fd, to_line(news))

    try:
        syscalls.die_with_parent(daemon_pid)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)  # a worker that died is found out by its status
        _Supervisor(request, tell, daemon_pid).run()
    except SpoolRefusedError as refused:
        tell(Failed(str(refused)))
    except OSError as error:
        tell(Failed(f"the purge of {request.noun.path} failed: {error.strerror or error}"))


class _Supervisor:
    def __init__(self, request: PurgeRequest, tell: Callable[[PurgeNews], None], daemon_pid: int) -> None:
        self._request = request
        self._tell = tell
        self._spool_fd = open_spool(request.noun.path)
        self._owner = os.fstat(self._spool_fd)
        self._mounts = read_mountinfo()
        self._without = [os.getpid(), daemon_pid]

    def run(self) -> None:
        order = worker.PurgeTask(
            noun=self._request.noun, spool_fd=self._spool_fd, parent_fd=self._parent_fd(),
            mounted=children_with_mounts(self._mounts, self._request.noun.path), limit=self._request.allowed,
            offsets=self._request.offsets, in_use=self._look())
        asked_fd, asking_fd = os.pipe2(os.O_CLOEXEC)
        answered_fd, answering_fd = os.pipe2(os.O_CLOEXEC)
        supervisor_pid = os.getpid()
        pid = os.fork()
        if pid == 0:
            try:
                os.close(asked_fd)
                os.close(answering_fd)
                self._work(order, supervisor_pid, asking_fd, answered_fd)
                os._exit(0)
            finally:
                os._exit(1)
        os.close(asking_fd)
        os.close(answered_fd)
        self._without.append(pid)
        if os.read(asked_fd, 1):
            _send_in_use(answering_fd, self._look())
        os.close(answering_fd)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if status != 0:
            self._tell(Failed(f"the purge's worker {_ending(status)} before it was finished"))

    def _work(self, order: worker.PurgeTask, supervisor_pid: int, asking_fd: int, answered_fd: int) -> None:
        """The worker. It writes its news itself: the supervisor speaks only when the worker did not end well."""
        def look_again() -> InUse:
            os.write(asking_fd, b"?")
            return _receive_in_use(answered_fd)

        try:
            _become(self._owner.st_uid, self._owner.st_gid)
            syscalls.die_with_parent(supervisor_pid)
            pair.run(order, self._tell, look_again)
        except OSError as error:
            self._tell(Failed(f"the purge of {self._request.noun.path} failed: {error.strerror or error}"))

    def _look(self) -> InUse:
        """Who uses what now; nobody where the policy says ``busy = "ignore"``."""
        if self._request.noun.busy is Busy.IGNORE:
            return NOTHING_IN_USE
        return read_in_use(self._request.proc_root, avoid=remote_points(self._mounts, self._request.noun.path),
                           without=self._without, spool_devices=(self._filesystem(), self._owner.st_dev))

    def _filesystem(self) -> int:
        mount = self._mount_of(self._spool_fd)
        return self._owner.st_dev if mount is None else mount.device

    def _mount_of(self, fd: int) -> Mount | None:
        number = syscalls.mount_id(fd)
        return next((mount for mount in self._mounts if mount.id == number), None)

    def _parent_fd(self) -> int | None:
        """The spool's parent where entries can be renamed into it: readable, and on the same mount."""
        try:
            fd = open_without_symlinks(os.path.dirname(self._request.noun.path))
        except OSError:
            return None
        if syscalls.mount_id(fd) != syscalls.mount_id(self._spool_fd):
            os.close(fd)
            return None
        return fd


def _become(uid: int, gid: int) -> None:
    """Become the spool's owner for good: real, effective and saved ids, no other groups, and with that no capability
    (capabilities(7)). Only root can, and needs to; raises OSError rather than go on as root."""
    if os.geteuid() != 0 or uid == 0:
        return
    group = gid or _NOBODYS_GID  # that root's group has the directory makes its owner no member of that group
    try:
        os.setgroups([])
        os.setresgid(group, group, group)
        os.setresuid(uid, uid, uid)
    except OSError as error:
        raise PermissionError(errno.EPERM, f"could not become user {uid}: {error.strerror}") from error
    if os.getresuid() != (uid, uid, uid) or os.getresgid() != (group, group, group):
        raise PermissionError(errno.EPERM, f"could not become user {uid}")


def _send_in_use(fd: int, in_use: InUse) -> None:
    with suppress(BrokenPipeError), os.fdopen(fd, "wb", closefd=False) as pipe:
        pipe.write(pack_in_use(in_use))


def _receive_in_use(fd: int) -> InUse:
    """Raises OSError when the supervisor did not answer in full: nothing is deleted then."""
    with os.fdopen(fd, "rb") as pipe:
        return unpack_in_use(pipe.read())


def _ending(status: int) -> str:
    return f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
