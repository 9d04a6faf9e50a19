from __future__ import annotations

import os

from watchdog_oom.host.spools.progress import NOTHING, Progress


def test_what_a_child_tells_after_the_fork_its_parent_reads() -> None:
    progress = Progress()
    assert progress.read() == (0, 0)
    pid = os.fork()
    if pid == 0:
        progress.tell(7)
        progress.tell(3)
        os._exit(0)
    os.waitpid(pid, 0)
    assert progress.read() == (2, 3)
    progress.tell()
    assert progress.read() == (1, NOTHING)
    progress.close()
