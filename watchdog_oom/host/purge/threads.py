"""Owns which threads of a process must be looked at besides the first: those with files or directories of their own.

Threads share them as a rule, but any thread can part from the others (unshare(2), CLONE_FILES and CLONE_FS), and of a
process whose first thread has ended /proc/PID shows nothing, though the others hold everything still. The kernel is
asked what is shared (kcmp(2)), so that what a thousand threads share is read once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from watchdog_oom.host import syscalls

_MOST_COMPARED = 8


def apart(proc_root: str, pid: int) -> Iterator[str]:
    """The directories below /proc that show what the process has open and where it stands: its own, and those of the
    threads that share both with none of those before. Where the kernel cannot tell, every thread is looked at."""
    process = f"{proc_root}/{pid}"
    yield process
    try:
        threads = os.listdir(f"{process}/task")
    except OSError:
        return
    looked_at = [pid]
    for name in threads:
        if name == str(pid) or not name.isdecimal():
            continue
        thread = int(name)
        if not any(syscalls.share_files(thread, other) for other in looked_at):
            looked_at = [*looked_at, thread][-_MOST_COMPARED:]
            yield f"{process}/task/{name}"
