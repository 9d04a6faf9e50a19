from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from watchdog_oom.daemon.signals import LAST_SECONDS, STOP_SECONDS, Asked, SignalInbox, Stopping

CHANGED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGALRM)
HELD_UP = """
import os, sys
from watchdog_oom.daemon.signals import SignalInbox
inbox = SignalInbox()
print("ready", flush=True)
os.read(0, 1)  # a call that does not return, whatever signal comes
print("it returned", flush=True)
"""


@pytest.fixture
def wakeups() -> Iterator[SignalInbox]:
    before = {number: signal.getsignal(number) for number in CHANGED}
    timer = signal.setitimer(signal.ITIMER_REAL, 0.0)  # the test run's own
    yield SignalInbox()
    signal.setitimer(signal.ITIMER_REAL, 0.0)
    signal.set_wakeup_fd(-1)
    for number, handler in before.items():
        signal.signal(number, handler)
    signal.setitimer(signal.ITIMER_REAL, *timer)


def test_a_signal_wakes_the_loop_and_is_taken_once(wakeups: SignalInbox) -> None:
    assert wakeups.take() == Asked()
    os.kill(os.getpid(), signal.SIGHUP)
    assert select.select([wakeups.fileno()], [], [], 1)[0]
    assert wakeups.take() == Asked(reload=True)
    assert wakeups.take() == Asked()
    assert not select.select([wakeups.fileno()], [], [], 0)[0]


def test_a_second_stop_is_a_request_of_its_own(wakeups: SignalInbox) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGINT)
    assert wakeups.take().stop
    assert wakeups.take().stop
    assert not wakeups.take().stop


def test_the_kernel_ends_a_daemon_that_does_not_come_back_to_look_for_its_second_signal() -> None:
    child = subprocess.Popen([sys.executable, "-c", HELD_UP], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert child.stdout is not None and child.stdout.readline() == b"ready\n"
        child.send_signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(0.3)
        asked = time.monotonic()
        child.send_signal(signal.SIGTERM)
        assert child.wait(30) == -signal.SIGALRM
        assert time.monotonic() - asked >= LAST_SECONDS - 0.1
        assert child.stdout.read() == b""
    finally:
        child.kill()
        child.communicate()


def test_the_first_signal_bounds_the_stop_also_where_the_loop_does_not_come_back_to_look(
        wakeups: SignalInbox) -> None:
    assert wakeups.take() == Asked()
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0.0
    os.kill(os.getpid(), signal.SIGTERM)
    assert STOP_SECONDS < signal.getitimer(signal.ITIMER_REAL)[0] <= STOP_SECONDS + LAST_SECONDS
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL
    os.kill(os.getpid(), signal.SIGTERM)
    assert 0.0 < signal.getitimer(signal.ITIMER_REAL)[0] <= LAST_SECONDS


def test_a_reload_sets_no_bound(wakeups: SignalInbox) -> None:
    os.kill(os.getpid(), signal.SIGHUP)
    assert wakeups.take().reload
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0.0


def test_no_wait_between_two_ticks_goes_beyond_the_end_of_a_stop() -> None:
    stopping = Stopping()
    assert stopping.sooner(500.0) == 500.0
    stopping.ask(10.0)
    assert stopping.sooner(500.0) == 10.0 + STOP_SECONDS
    assert stopping.sooner(20.0) == 20.0


def test_a_stop_is_cut_short_when_asked_for_again_and_nothing_takes_that_back() -> None:
    stopping = Stopping()
    assert not stopping.cut_short(1.0)
    assert stopping.ask(1.0)
    assert not stopping.cut_short(2.0)
    assert not stopping.ask(3.0)
    assert [stopping.cut_short(4.0), stopping.cut_short(4.0)] == [True, True]
    assert "asked twice" in stopping.words


def test_a_stop_is_cut_short_after_its_time() -> None:
    stopping = Stopping()
    assert stopping.ask(10.0)
    assert not stopping.cut_short(10.0 + STOP_SECONDS)
    assert stopping.words == "stopped"
    assert stopping.cut_short(10.1 + STOP_SECONDS)
    assert "90 s are over" in stopping.words
