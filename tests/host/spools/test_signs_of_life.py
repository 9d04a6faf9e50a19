from __future__ import annotations

import os

from watchdog_oom.host.spools.signs_of_life import NOTHING, SignsOfLife


def test_what_a_child_tells_after_the_fork_its_parent_reads() -> None:
    signs = SignsOfLife()
    assert signs.read() == (0, 0)
    pid = os.fork()
    if pid == 0:
        signs.tell(7)
        signs.tell(3)
        os._exit(0)
    os.waitpid(pid, 0)
    assert signs.read() == (2, 3)
    signs.tell()
    assert signs.read() == (1, NOTHING)
    signs.close()
