from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator

import pytest

from watchdog_oom.daemon.signals import STOP_SECONDS, Asked, SignalInbox, Stopping

CHANGED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE)


@pytest.fixture
def wakeups() -> Iterator[SignalInbox]:
    before = {number: signal.getsignal(number) for number in CHANGED}
    yield SignalInbox()
    signal.set_wakeup_fd(-1)
    for number, handler in before.items():
        signal.signal(number, handler)


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
