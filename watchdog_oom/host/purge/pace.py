"""Owns the pace of a purge for which nothing waits: it leaves the disk and the processors to everybody else."""

from __future__ import annotations

import os
import time
from contextlib import suppress

from watchdog_oom.host import syscalls

SLICE_SECONDS = 0.05
REST_FACTOR = 3.0  # works a quarter of the time, like the scan of a spool
LONGEST_REST_SECONDS = 5.0  # well below the time after which a purge counts as standing still


def step_back() -> None:
    """The lowest priority for processor and disk, for this process and those it forks. Where the disk's scheduler knows
    no priorities (ioprio_set(2)), the pauses are what is left."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, 19)
    with suppress(OSError):
        syscalls.idle_io_priority()


class Pace:
    """``rest`` is to be called as the work goes on: it sleeps three times as long as was worked since the last time."""

    def __init__(self) -> None:
        self._resumed = time.monotonic()

    def rest(self) -> None:
        worked = time.monotonic() - self._resumed
        if worked < SLICE_SECONDS:
            return
        time.sleep(min(worked * REST_FACTOR, LONGEST_REST_SECONDS))
        self._resumed = time.monotonic()
