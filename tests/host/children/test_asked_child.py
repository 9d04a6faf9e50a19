"""A real child on a real socket pair, that answers, hangs, and dies."""

import os
import resource
import select
import signal
import socket
import time
from collections.abc import Callable

import pytest

from watchdog_oom.host.children.asked_child import MOST_UNDER_WAY, AskedChild

DEADLINE_SECONDS = 0.3


def echo(questions: socket.socket) -> None:
    """Answers with the same word and its pid; hangs on "hang", dies on "die"."""
    while packet := questions.recv(4096):
        if packet == b"hang":
            time.sleep(60)
        if packet == b"die":
            os._exit(3)
        questions.send(packet + b" %d" % os.getpid())


def answers(child: AskedChild[str], count: int, seconds: float = 5.0) -> list[tuple[str, bytes | None]]:
    told: list[tuple[str, bytes | None]] = []
    end = time.monotonic() + seconds
    while len(told) < count and time.monotonic() < end:
        select.select([child.fileno()], [], [], 0.05)
        told += child.poll()
    return told


@pytest.fixture
def made() -> Callable[[], AskedChild[str]]:
    return lambda: AskedChild(echo, DEADLINE_SECONDS)


def words(told: list[tuple[str, bytes | None]]) -> list[tuple[str, str | None]]:
    return [(key, answer.split()[0].decode() if answer is not None else None) for key, answer in told]


def test_every_question_is_answered_in_order_however_many_there_are(made: Callable[[], AskedChild[str]]) -> None:
    child = made()
    keys = [f"q{number}" for number in range(5 * MOST_UNDER_WAY)]
    assert all(child.ask(key, key.encode()) for key in keys)
    assert words(answers(child, len(keys))) == [(key, key) for key in keys]
    assert not child.busy
    child.close()


def test_a_question_that_hangs_fails_and_the_others_are_answered_by_a_successor(
        made: Callable[[], AskedChild[str]]) -> None:
    child = made()
    for word in ("a", "hang", "b"):
        child.ask(word, word.encode())
    first = child.child_pid
    began = time.monotonic()
    told = answers(child, 3)
    assert words(told) == [("a", "a"), ("hang", None), ("b", "b")]
    assert DEADLINE_SECONDS <= time.monotonic() - began < 3.0
    assert child.child_pid != first
    child.close()


def test_a_stopped_child_is_replaced_too_and_asking_waits_for_nothing(made: Callable[[], AskedChild[str]]) -> None:
    child = made()
    child.start()
    assert child.child_pid is not None
    os.kill(child.child_pid, signal.SIGSTOP)
    began = time.monotonic()
    for number in range(1000):
        child.ask(str(number), b"x" * 1000)
    assert time.monotonic() - began < 1.0
    told = answers(child, 1000)
    assert [key for key, _ in told] == [str(number) for number in range(1000)]
    assert [answer is None for _, answer in told] == [True] + [False] * 999
    child.close()


def test_a_child_that_dies_fails_its_question_only(made: Callable[[], AskedChild[str]]) -> None:
    child = made()
    for word in ("die", "a"):
        child.ask(word, word.encode())
    assert words(answers(child, 2)) == [("die", None), ("a", "a")]
    child.close()


def test_what_is_doubtful_waits_for_all_that_is_not(made: Callable[[], AskedChild[str]]) -> None:
    child = made()
    child.ask("first", b"first")
    child.ask("hang", b"hang", doubtful=True)
    child.ask("second", b"second")
    assert words(answers(child, 3)) == [("first", "first"), ("second", "second"), ("hang", None)]
    child.close()


def test_nothing_is_left_open_or_running(made: Callable[[], AskedChild[str]]) -> None:
    before = len(os.listdir("/proc/self/fd"))
    child = made()
    reading, writing = os.pipe()
    child.ask("hang", b"hang", fd=reading)
    child.ask("later", b"later", fd=reading)
    pid = child.child_pid
    assert pid is not None
    child.close()
    os.close(reading)
    os.close(writing)
    assert len(os.listdir("/proc/self/fd")) == before
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_without_a_descriptor_a_question_is_kept_and_asked_when_there_is_one(
        made: Callable[[], AskedChild[str]]) -> None:
    child = made()
    assert child.fileno() >= 0
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (free, limits[1]))
        assert child.ask("a", b"a")
        assert child.poll() == []
        assert child.busy
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert words(answers(child, 1)) == [("a", "a")]
    child.close()
