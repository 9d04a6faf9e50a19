"""Who asks: the process at the other end of a control connection, as the kernel names it (unix(7), SO_PEERCRED)."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable

from watchdog_oom.lean_dataclasses import dataclass

NO_LOGIN = 0xFFFFFFFF  # of a process that no login began, such as a service (proc(5), loginuid)
_CREDENTIALS = struct.Struct("iII")  # struct ucred: pid, uid, gid


@dataclass(frozen=True, slots=True)
class Asker:
    """``login_uid`` is the user whose login began the session, also behind sudo and su, where there is one; names are
    ``None`` where they are not known at once."""

    uid: int
    pid: int
    user: str | None = None
    login_uid: int | None = None
    login: str | None = None

    @property
    def words(self) -> str:
        """``root (pid 12, alice)``."""
        login = "" if self.login_uid is None else f", {self.login or f'uid {self.login_uid}'}"
        return f"{self.user or f'uid {self.uid}'} (pid {self.pid}{login})"

    @property
    def plain(self) -> dict[str, object]:
        return {"uid": self.uid, "pid": self.pid, "user": self.user, "login_uid": self.login_uid, "login": self.login}


def peer_of(connection: socket.socket) -> tuple[int, int]:
    """The pid and the uid with which the other side connected. Raises OSError."""
    pid, uid, _ = _CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return pid, uid


def asker(pid: int, uid: int, proc: str, name_of: Callable[[int], str | None]) -> Asker:
    """``name_of`` answers at once, with what is known of a user's name."""
    login_uid = _login_uid(pid, proc)
    return Asker(uid, pid, name_of(uid), login_uid, None if login_uid is None else name_of(login_uid))


def _login_uid(pid: int, proc: str) -> int | None:
    try:
        fd = os.open(f"{proc}/{pid}/loginuid", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        number = int(os.read(fd, 16))
    except (OSError, ValueError):
        return None
    finally:
        os.close(fd)
    return None if number == NO_LOGIN else number
