"""oom_score_adj, which tells the kernel's OOM killer which processes to spare and which to kill first (proc(5))."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from enum import StrEnum

from watchdog_oom.core.actions import SetOomScoreAdj
from watchdog_oom.core.model import Process
from watchdog_oom.formatting import printable
from watchdog_oom.host.processes.procfs import read_stat
from watchdog_oom.lean_dataclasses import dataclass

_NEEDS_CAPABILITY = "not permitted: a value below the process's own needs CAP_SYS_RESOURCE"


class AdjOutcome(StrEnum):
    """The outcome of a write to oom_score_adj."""

    SET = "set"
    GONE = "gone"
    RECYCLED = "recycled"
    NO_MATCH = "no match"
    NOT_PERMITTED = "not permitted"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class AdjResult:
    """The result of a write to oom_score_adj, in words. ``before`` is the former value."""

    outcome: AdjOutcome
    words: str
    before: int | None = None

    @property
    def done(self) -> bool:
        return self.outcome is AdjOutcome.SET


def set_oom_score_adj(action: SetOomScoreAdj, still: Callable[[Process], bool], *, root: str = "/proc") -> AdjResult:
    """Write the value for one process, if it is still the one that was judged and the rule still matches it (Law 1).

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


def set_own(value: int, *, root: str = "/proc") -> AdjResult:
    """Write the daemon's own value."""
    try:
        fd = os.open(f"{root}/self/oom_score_adj", os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        return _failure(error, opening=True)
    try:
        return _write(fd, value)
    finally:
        os.close(fd)


def _objection(action: SetOomScoreAdj, still: Callable[[Process], bool], root: str) -> AdjResult | None:
    try:
        process = read_stat(root, action.target.pid)
    except ValueError as error:
        return AdjResult(AdjOutcome.FAILED, f"it could not be recognized: {error}")
    if process is None or process.dead:
        return AdjResult(AdjOutcome.GONE, "it had ended already")
    if process.id != action.target:
        return AdjResult(AdjOutcome.RECYCLED, f"it had ended, and pid {process.pid} is another process now "
                                              f"({printable(process.comm)})")
    if not still(process):
        return AdjResult(AdjOutcome.NO_MATCH, "the rule no longer matches it")
    return None


def _write(fd: int, value: int) -> AdjResult:
    # Unbuffered: a buffered write can hide EACCES until close. Read back, because only that is proof (Law 6).
    before: int | None = None
    try:
        before = int(os.pread(fd, 16, 0))
        os.pwrite(fd, b"%d" % value, 0)
        now = int(os.pread(fd, 16, 0))
    except OSError as error:
        return _failure(error, before=before)
    except ValueError:
        return AdjResult(AdjOutcome.FAILED, "oom_score_adj does not hold a number")
    if now != value:
        return AdjResult(AdjOutcome.FAILED, f"{value} was written, but the value is {now}", before)
    return AdjResult(AdjOutcome.SET, f"oom_score_adj set from {before} to {value}", before)


def _failure(error: OSError, *, opening: bool = False, before: int | None = None) -> AdjResult:
    match error.errno:
        case errno.ESRCH | errno.ENOENT:
            return AdjResult(AdjOutcome.GONE, "it had ended already")
        case errno.EACCES | errno.EPERM if opening:
            return AdjResult(AdjOutcome.NOT_PERMITTED, "not permitted: the process belongs to another user")
        case errno.EACCES | errno.EPERM:
            return AdjResult(AdjOutcome.NOT_PERMITTED, _NEEDS_CAPABILITY, before)
        case errno.EINVAL:
            return AdjResult(AdjOutcome.FAILED, "the kernel takes values from -1000 to 1000", before)
        case _:
            return AdjResult(AdjOutcome.FAILED, f"oom_score_adj could not be written: {error.strerror}", before)
