"""Owns how the purge's worker becomes the spool's owner: for his files, for good, and out of reach of his processes."""

from __future__ import annotations

import errno
import os

_NOBODYS_GID = 65534
_NOBODYS_UID = 0xFFFFFFFD  # no user's: 65534, 2^32 - 2 and 2^32 - 1 have meanings


def become(uid: int, gid: int) -> None:
    """Go on with the rights of that user and group over files, no other groups, and with that no capability
    (capabilities(7)). Only root can, and needs to; raises OSError rather than go on as root.

    The effective id decides about files, the real and the saved one who may send signals (kill(2)). Those two become
    nobody's, so that no process of the user can stop or kill the worker; there is no way back to root from any of them.
    Where that id is not to be had, in a user namespace, all three become the user's.
    """
    if os.geteuid() != 0 or uid == 0:
        return
    group = gid or _NOBODYS_GID  # a directory of root's group does not make its owner a member of that group
    try:
        os.setgroups([])
        os.setresgid(group, group, group)
        try:
            os.setresuid(_NOBODYS_UID, uid, _NOBODYS_UID)
        except OSError:
            os.setresuid(uid, uid, uid)
    except OSError as error:
        raise PermissionError(errno.EPERM, f"could not become user {uid}: {error.strerror}") from error
    if 0 in os.getresuid() or os.geteuid() != uid or os.getresgid() != (group, group, group):
        raise PermissionError(errno.EPERM, f"could not become user {uid}")
