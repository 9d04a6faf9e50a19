"""Owns the end of a child of a purge that was killed: reaped if it dies, left to the kernel if it cannot yet."""

from __future__ import annotations

import os
import signal
import time

_SECONDS = 1.0
_STEP_SECONDS = 0.001


def end(pid: int) -> None:
    """Kill a child of ours and reap it; one that sleeps where no signal reaches it (a dead FUSE server) is not waited
    for: it ends when it can."""
    os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + _SECONDS
    while os.waitpid(pid, os.WNOHANG)[0] == 0 and time.monotonic() < until:
        time.sleep(_STEP_SECONDS)
