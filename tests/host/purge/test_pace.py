"""A gentle purge leaves the machine to others: it rests three quarters of the time, at a low priority."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from watchdog_oom.host.purge.pace import LONGEST_REST_SECONDS, NICE, REST_FACTOR, SLICE_SECONDS, Pace
from watchdog_oom.host.purge.request import STALLED_SECONDS

IOPRIO_GET = {"x86_64": 252, "aarch64": 31}
IDLE = 3  # IOPRIO_CLASS_IDLE, linux/ioprio.h
STEP_BACK = """
import ctypes, os
from watchdog_oom.host.purge.pace import step_back
step_back()
print(os.getpriority(os.PRIO_PROCESS, 0), ctypes.CDLL(None).syscall(IOPRIO_GET, 1, 0) >> 13)
"""


def work(seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


def test_it_sleeps_three_times_as_long_as_it_worked() -> None:
    pace = Pace()
    work(2 * SLICE_SECONDS)
    began = time.monotonic()
    pace.rest()
    assert time.monotonic() - began >= 2 * SLICE_SECONDS * REST_FACTOR


def test_it_does_not_sleep_after_little_work() -> None:
    pace = Pace()
    began = time.monotonic()
    pace.rest()
    assert time.monotonic() - began < SLICE_SECONDS * REST_FACTOR


def test_no_sleep_is_as_long_as_a_purge_may_stand_still() -> None:
    assert LONGEST_REST_SECONDS * 2 < STALLED_SECONDS


@pytest.mark.skipif(os.uname().machine not in IOPRIO_GET, reason="the number of ioprio_get(2) is not known here")
def test_it_takes_a_low_priority_for_the_processor_and_the_lowest_for_the_disk() -> None:
    code = STEP_BACK.replace("IOPRIO_GET", str(IOPRIO_GET[os.uname().machine]))
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    nice, io_class = map(int, told.split())
    assert nice == NICE or (os.geteuid() != 0 and nice >= NICE)
    assert io_class == IDLE
