from __future__ import annotations

import os
import signal
import time

import pytest

from watchdog_oom.host.purge import reap


def test_a_child_is_killed_and_reaped_even_while_it_stands_still() -> None:
    pid = os.fork()
    if pid == 0:
        time.sleep(60)
        os._exit(0)
    os.kill(pid, signal.SIGSTOP)
    reap.end(pid)
    with pytest.raises(ChildProcessError):
        os.waitpid(pid, 0)


def test_one_that_has_ended_already_is_reaped() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    reap.end(pid)
    with pytest.raises(ChildProcessError):
        os.waitpid(pid, 0)
