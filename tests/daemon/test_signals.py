from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator

import pytest

from watchdog_oom.daemon.signals import Asked, SignalInbox

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
