"""A gentle purge leaves the machine to others: it rests three quarters of the time, at the lowest priority."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from watchdog_oom.host.purge.pace import LONGEST_REST_SECONDS, REST_FACTOR, SLICE_SECONDS, Pace

STEP_BACK = """
from watchdog_oom.host.purge.pace import step_back
step_back()
print(os.getpriority(os.PRIO_PROCESS, 0))
os.execvp("ionice", ["ionice", "-p", str(os.getpid())])
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


def test_after_little_work_and_right_after_a_sleep_it_goes_on() -> None:
    pace = Pace()
    began = time.process_time(), time.monotonic()
    for _ in range(20):
        pace.rest()
    assert time.monotonic() - began[1] < SLICE_SECONDS * REST_FACTOR


def test_no_sleep_is_as_long_as_a_purge_may_stand_still() -> None:
    from watchdog_oom.host.purge.supervisor import STALLED_SECONDS
    assert LONGEST_REST_SECONDS * 2 < STALLED_SECONDS


def test_it_takes_the_lowest_priority_for_processor_and_disk() -> None:
    try:
        told = subprocess.run([sys.executable, "-c", STEP_BACK], capture_output=True, text=True, check=True).stdout
    except subprocess.CalledProcessError:
        pytest.skip("there is no ionice here")
    assert told.split() == ["19", "idle"]
