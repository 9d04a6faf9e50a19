"""Owns the pace of a purge for which nothing waits: it leaves the disk and the processors to everybody else."""

from __future__ import annotations

import os
import time
from contextlib import suppress

from watchdog_oom.host import syscalls

SLICE_SECONDS = 0.05
REST_FACTOR = 3.0  # works a quarter of the time, like the scan of a spool
LONGEST_REST_SECONDS = 1.0  # time in which it got no processor is no work, but looks like it
NICE = 10  # behind the others, yet with a share on a busy host: what is cleared must not lie in the trash for long


def step_back() -> None:
    """A low priority for processor and disk, for this process and those it forks. Where the disk's scheduler knows
    no priorities (ioprio_set(2)), the pauses are what is left."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, NICE)
    with suppress(OSError):
        syscalls.idle_io_priority()


class Pace:
    """``rest`` is to be called as the work goes on: it sleeps three times as long as was worked since it last slept."""

    def __init__(self) -> None:
        self._resumed = time.monotonic()

    def rest(self) -> None:
        worked = time.monotonic() - self._resumed
        if worked < SLICE_SECONDS:
            return
        time.sleep(min(worked * REST_FACTOR, LONGEST_REST_SECONDS))
        self._resumed = time.monotonic()
