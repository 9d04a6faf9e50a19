"""Whether a process is the host's own, or in a namespace that its user may have made.

Any user can make a user namespace, become root in it, and mount a program of his own over /usr/sbin/sshd: its ``exe``
then reads as sshd's (user_namespaces(7), mount_namespaces(7)). Only root can make other namespaces without a user
namespace, so a service with a mount namespace of its own (PrivateTmp=, ProtectSystem=) is as trustworthy as any.
"""

from __future__ import annotations

import os
from contextlib import suppress

from watchdog_oom.host.processes.procfs import read_file, read_link, read_whole, shown_at

_NAMESPACES = ("user", "pid")
_MOST_TABLES = 64
_MOST_BYTES = 1 << 20


class NamespaceReader:
    """Compares processes below ``root`` with the reader's own. Nothing that is read here takes the mmap lock."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._own = {kind: _link(root, "self", kind) for kind in _NAMESPACES}
        self._mounts: dict[str, frozenset[bytes]] = {}  # mount namespace -> its mounts, as last read

    def are_hosts(self, pid: int) -> bool | None:
        """Whether the process is of the reader's own user and pid namespace; ``None`` where it cannot be read."""
        answers = [None if None in (own, there := _link(self._root, str(pid), kind)) else there == own
                   for kind, own in self._own.items()]
        return False if False in answers else None if None in answers else True

    def exe_is_mounted(self, pid: int) -> bool | None:
        """Whether the executable lies on a mount of the process's own mount namespace. Who starts a program through
        another process's ``/proc/PID/root``, or through a descriptor that he was handed, can show a path that only
        exists in there. ``None`` where it cannot be told, as for a service that root put into a chroot of its own.
        """
        shown = f"{self._root}/{pid}"
        mount = _mount_of_exe(shown)
        if mount is None:  # the first thread may have ended
            shown = shown_at(self._root, pid)
            mount = _mount_of_exe(shown)
        namespace, own_root = read_link(f"{shown}/ns/mnt"), read_link(f"{shown}/root")
        if mount is None or namespace is None or own_root is None:
            return None
        whole = shown
        if own_root != "/":
            if namespace != _link(self._root, "1", "mnt"):
                return None
            whole = f"{self._root}/1"
        if mount in self._mounts.get(namespace, ()):
            return True
        table = read_whole(f"{whole}/mountinfo", _MOST_BYTES)
        if not table:
            return None
        if len(self._mounts) >= _MOST_TABLES:
            self._mounts.clear()
        self._mounts[namespace] = frozenset(line.partition(b" ")[0] for line in table.splitlines())
        return mount in self._mounts[namespace]


def _mount_of_exe(shown: str) -> bytes | None:
    """The mount's number in the kernel (proc(5), fdinfo).

    O_PATH opens nothing, but the end of a followed link may be revalidated: ``complete_walk`` in the kernel's
    fs/namei.c asks ``d_weak_revalidate`` then, which FUSE and local file systems do not have. NFS has it, and asks its
    server only for a file that is already known to be deleted there (``nfs_weak_revalidate``, without LOOKUP_OPEN; the
    walk is repeated with LOOKUP_REVAL after ESTALE). 9p with a cache has it, and asks for what is marked as out of
    date, and overlayfs hands it on to its layers. So a program of a dead server on one of these may delay this.
    """
    with suppress(OSError):
        fd = os.open(f"{shown}/exe", os.O_PATH | os.O_CLOEXEC)
        try:
            told = read_file(f"/proc/self/fdinfo/{fd}") or b""
        finally:
            os.close(fd)
        _, _, rest = told.partition(b"mnt_id:")
        return rest.split(None, 1)[0] if rest.strip() else None
    return None


def _link(root: str, pid: str, kind: str) -> str | None:
    return read_link(f"{root}/{pid}/ns/{kind}")
