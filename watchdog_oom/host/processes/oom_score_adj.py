"""oom_score_adj, which tells the kernel's OOM killer which processes to spare and which to kill first (proc(5))."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

from watchdog_oom.core.actions import SetOomScoreAdj
from watchdog_oom.core.model import Process
from watchdog_oom.core.outcome import Outcome
from watchdog_oom.formatting import printable
from watchdog_oom.host.processes.procfs import read_stat

_NEEDS_CAPABILITY = "not permitted: a value below the process's own needs CAP_SYS_RESOURCE"


def set_oom_score_adj(action: SetOomScoreAdj, still: Callable[[Process], bool], *, root: str = "/proc") -> Outcome:
    """Write the value for one process, if it is still the one that was judged and the rule still means it (Law 1).

    The file is opened first: an open file stays bound to one process, and a write after its end fails with ESRCH. So if
    pid and start ticks are read after that and match, the write reaches that process.
    """
    try:
        fd = os.open(f"{root}/{action.target.pid}/oom_score_adj", os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        # A zombie's files belong to root, so without root they look like another user's.
        return _objection(action, still, root) or _failure(error, opening=True)
    try:
        return _objection(action, still, root) or _write(fd, action.value)
    finally:
        os.close(fd)


def set_own(value: int, *, root: str = "/proc") -> Outcome:
    """Write the daemon's own value."""
    try:
        fd = os.open(f"{root}/self/oom_score_adj", os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        return _failure(error, opening=True)
    try:
        return _write(fd, value)
    finally:
        os.close(fd)


def _objection(action: SetOomScoreAdj, still: Callable[[Process], bool], root: str) -> Outcome | None:
    try:
        process = read_stat(root, action.target.pid)
    except ValueError as error:
        return Outcome(False, f"it could not be recognized: {error}")
    if process is None or process.dead:
        return Outcome(False, "it had ended already")
    if process.id != action.target:
        return Outcome(False, f"it had ended, and pid {process.pid} is another process now "
                              f"({printable(process.comm)})")
    if not still(process):
        return Outcome(False, "the rule no longer matches it")
    return None


def _write(fd: int, value: int) -> Outcome:
    # Unbuffered: a buffered write can swallow EACCES until close. Read back, because only that is proof (Law 6).
    before: int | None = None
    try:
        before = int(os.pread(fd, 16, 0))
        os.pwrite(fd, b"%d" % value, 0)
        now = int(os.pread(fd, 16, 0))
    except OSError as error:
        return _failure(error, before=before)
    except ValueError:
        return Outcome(False, "oom_score_adj does not hold a number")
    if now != value:
        return Outcome(False, f"{value} was written, but the value is {now}", before, now)
    return Outcome(True, f"oom_score_adj set from {before} to {value}", before, value)


def _failure(error: OSError, *, opening: bool = False, before: int | None = None) -> Outcome:
    match error.errno:
        case errno.ESRCH | errno.ENOENT:
            return Outcome(False, "it had ended already")
        case errno.EACCES | errno.EPERM if opening:
            return Outcome(False, "not permitted: the process belongs to another user")
        case errno.EACCES | errno.EPERM:
            return Outcome(False, _NEEDS_CAPABILITY, before)
        case errno.EINVAL:
            return Outcome(False, "the kernel takes values from -1000 to 1000", before)
        case _:
            return Outcome(False, f"oom_score_adj could not be written: {error.strerror}", before)
