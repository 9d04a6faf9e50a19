"""The socket on which root speaks to the daemon: few connections, one request a tick, and never a wait (Laws 11, 12).

Whoever connects wakes the loop, so that is bounded, too: a few at once, then four a second; between them the loop does
not hear of the socket at all.
"""

from __future__ import annotations

import os
import select
import socket
from contextlib import suppress

from watchdog_oom.core.requests import Ruling
from watchdog_oom.daemon.control.asker import peer_of
from watchdog_oom.daemon.control.caller import Caller
from watchdog_oom.errors import UsageError

NAME = "control"
MOST_CALLERS = 4
MOST_ACCEPTED = 64  # at a time; those for whom there is no room are told so
BACKLOG = 16
MOST_WAKEUPS = 8.0
WAKEUPS_PER_SECOND = 4.0
BUSY = Ruling("too many requests at a time; ask again", 1)
NOT_ROOT = Ruling("only root may ask this; run it as root", 3)


class ControlSocket:
    """Raises OSError if it cannot be made. ``fileno()`` becomes readable when there may be something to ``take``."""

    def __init__(self, runtime: str) -> None:
        self.strangers: list[tuple[int, int]] = []  # pid and uid of those refused since the caller last emptied it
        self.unclear: list[tuple[Caller, str]] = []  # likewise those whose request was not understood, and why
        self._path = f"{runtime}/{NAME}"
        self._users = (0, os.geteuid())
        self._socket = _listen(runtime, self._path)
        self._epoll = select.epoll()
        self._callers: list[Caller] = []
        self._wakeups, self._counted_at = MOST_WAKEUPS, 0.0
        self._hearing = False
        self._hear()

    def fileno(self) -> int:
        return self._epoll.fileno()

    @property
    def busy(self) -> bool:
        """Whether somebody may be waiting without waking the loop, or is to be sent away if silent."""
        return bool(self._callers) or not self._hearing

    def take(self, now: float) -> tuple[Caller, bytes] | None:
        """At most one whole request, with who asks. Whoever is silent, slow or not understood is sent away."""
        self._wakeups = min(MOST_WAKEUPS, self._wakeups + (now - self._counted_at) * WAKEUPS_PER_SECOND)
        self._counted_at = now
        if self._wakeups < 1:
            self._ignore()
            return None
        self._hear()
        if self._epoll.poll(0):
            self._wakeups -= 1
            self._accept(now)
        for caller in tuple(self._callers):
            try:
                line = caller.request(now)
            except UsageError as error:
                self._drop(caller)
                self.unclear.append((caller, str(error)))
                caller.end(Ruling(str(error), 2))
                continue
            if line is not None:
                self._drop(caller)
                return caller, line
        return None

    def close(self) -> None:
        for caller in self._callers:
            caller.end(Ruling("the daemon stops", 4))
        self._epoll.close()
        self._socket.close()
        with suppress(OSError):
            os.unlink(self._path)

    def _accept(self, now: float) -> None:
        for _ in range(MOST_ACCEPTED):
            try:
                connection, _ = self._socket.accept()
            except OSError:  # nobody is left, or there are no descriptors for now
                return
            try:
                pid, uid = peer_of(connection)
            except OSError:
                connection.close()
                continue
            caller = Caller(connection, pid, uid, now)
            if uid not in self._users:
                self.strangers.append((pid, uid))
                caller.end(NOT_ROOT)
            elif len(self._callers) >= MOST_CALLERS:
                caller.end(BUSY)
            else:
                self._callers.append(caller)
                self._epoll.register(caller, select.EPOLLIN)

    def _drop(self, caller: Caller) -> None:
        self._callers.remove(caller)
        self._epoll.unregister(caller)

    def _hear(self) -> None:
        if not self._hearing:
            self._epoll.register(self._socket, select.EPOLLIN)
            for caller in self._callers:
                self._epoll.register(caller, select.EPOLLIN)
        self._hearing = True

    def _ignore(self) -> None:
        if self._hearing:
            self._epoll.unregister(self._socket)
            for caller in self._callers:
                self._epoll.unregister(caller)
        self._hearing = False


def _listen(runtime: str, path: str) -> socket.socket:
    """Made with mode 0600 from the first moment on. The caller holds the lock of the directory, so a socket that is
    there already is left over. A path through a descriptor is never longer than sun_path (unix(7))."""
    with suppress(FileNotFoundError):
        os.unlink(path)
    directory = os.open(runtime, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    before = os.umask(0o177)
    try:
        server.bind(f"/proc/self/fd/{directory}/{NAME}")
        server.listen(BACKLOG)
    except OSError:
        server.close()
        raise
    finally:
        os.umask(before)
        os.close(directory)
    return server
