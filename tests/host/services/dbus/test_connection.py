"""The connection: opened when needed, never waited for, and closed when unusable."""

from __future__ import annotations

import os
import resource
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.host.services.fake_systemd import FakeSystemd, together, unit
from watchdog_oom.host.services.dbus.connection import IDLE_SECONDS, LAST_RETRY_SECONDS, WELCOME_SECONDS, BusConnection
from watchdog_oom.host.services.dbus.events import Answered, Disconnected, Event, Unanswered
from watchdog_oom.host.services.dbus.wire import BusSignal, Failure, Reply
from watchdog_oom.host.services.systemd.calls import JOB_REMOVED, get_all, job_state, places

MakeFake = Callable[..., FakeSystemd]


@pytest.fixture
def fake_at(tmp_path: Path) -> Iterator[MakeFake]:
    fakes: list[FakeSystemd] = []

    def make(*, bus: bool = False, backlog: int = 8) -> FakeSystemd:
        name = "run/dbus/system_bus_socket" if bus else "run/systemd/private"
        fakes.append(FakeSystemd(tmp_path / name, bus=bus, backlog=backlog))
        fakes[-1].units["a.service"] = unit("a.service")
        return fakes[-1]

    yield make
    for fake in fakes:
        fake.close()


@pytest.fixture
def link(tmp_path: Path) -> Iterator[BusConnection]:
    before = len(os.listdir("/proc/self/fd"))
    link = BusConnection(places(str(tmp_path)), frozenset({JOB_REMOVED}))
    yield link
    link.close()
    link.close()
    assert link.poll(0.0) == ()
    assert len(os.listdir("/proc/self/fd")) >= before


def events(
    link: BusConnection, *fakes: FakeSystemd, now: float = 100.0, keep: bool = False, count: int = 1
) -> list[Event]:
    found: list[Event] = []

    def step() -> bool:
        found.extend(link.poll(now, keep=keep))
        return len(found) >= count

    together(step, *fakes)
    return found


def connect(link: BusConnection, fake: FakeSystemd, now: float = 100.0) -> None:
    token = link.call(get_all("a"), 10.0, now)
    (event,) = events(link, fake, now=now, keep=True)
    assert isinstance(event, Answered)
    assert event.token == token


def test_a_question_is_answered_over_the_private_socket_without_a_hello(link: BusConnection, fake_at: MakeFake) -> None:
    fake = fake_at()
    token = link.call(get_all("a"), 10.0, 100.0)
    (event,) = events(link, fake)
    assert isinstance(event, Answered)
    assert isinstance(event.answer, Reply)
    assert event.token == token
    assert event.answer.body[0]["Id"] == ("s", "a.service")
    assert [member for member, _ in fake.calls] == ["Subscribe", "GetAll"]


def test_where_the_private_socket_is_not_ours_the_system_bus_is_asked(link: BusConnection, fake_at: MakeFake) -> None:
    fake = fake_at(bus=True)
    link.call(get_all("a"), 10.0, 100.0)
    (event,) = events(link, fake)
    assert isinstance(event, Answered)
    assert [member for member, _ in fake.calls] == ["Hello", "AddMatch", "Subscribe", "GetAll"]


@pytest.mark.parametrize("chunk", [1, 3, 100])
def test_half_messages_are_put_together(link: BusConnection, fake_at: MakeFake, chunk: int) -> None:
    fake = fake_at()
    fake.chunk = chunk
    link.call(get_all("a"), 10.0, 100.0)
    (event,) = events(link, fake)
    assert isinstance(event, Answered)


def test_a_refusal_is_an_answer(link: BusConnection, fake_at: MakeFake) -> None:
    link.call(job_state("/org/freedesktop/systemd1/job/1"), 10.0, 100.0)
    (event,) = events(link, fake_at())
    assert isinstance(event, Answered)
    assert isinstance(event.answer, Failure)


def test_where_nobody_listens_the_question_is_handed_back_at_once(link: BusConnection) -> None:
    token = link.call(get_all("a"), 10.0, 100.0)
    assert link.poll(100.0) == (Unanswered(token, False, False, "no connection: ENOENT"),)


def test_where_descriptors_have_run_out_the_question_is_handed_back_and_a_later_one_is_answered(
        link: BusConnection, fake_at: MakeFake) -> None:
    fake = fake_at()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    token = link.call(get_all("a"), 10.0, 100.0)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        told = link.poll(100.0)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert [(event.token, event.words) for event in told if isinstance(event, Unanswered)] == [
        (token, "no connection: Too many open files")]
    connect(link, fake, now=100.0 + LAST_RETRY_SECONDS)


def test_a_new_connection_is_tried_less_and_less_often_and_at_last_found(
    link: BusConnection, fake_at: MakeFake
) -> None:
    tries, now = [], 100.0
    while now < 140.0:
        link.call(get_all("a"), 10.0, now)
        (event,) = link.poll(now)
        assert isinstance(event, Unanswered)
        if event.words.startswith("no connection"):
            tries.append(now - 100.0)
        now += 0.5
    assert tries == [0.0, 1.0, 3.0, 7.0, 15.0, 15.0 + LAST_RETRY_SECONDS, 15.0 + 2 * LAST_RETRY_SECONDS]
    connect(link, fake_at(), now + LAST_RETRY_SECONDS)


def test_silence_never_blocks_and_ends_the_question_at_its_deadline(link: BusConnection, fake_at: MakeFake) -> None:
    """PID 1 frozen for minutes: every poll returns at once."""
    fake = fake_at()
    fake.frozen = True
    token, slowest, now, found = link.call(get_all("a"), 10.0, 100.0), 0.0, 100.0, list[Event]()
    while now < 200.0:
        began = time.monotonic()
        found += link.poll(now)
        slowest = max(slowest, time.monotonic() - began)
        now += 0.25
    assert found == [Unanswered(token, False, True, "systemd does not answer")]
    assert slowest < 0.1
    fake.frozen = False
    connect(link, fake, now + LAST_RETRY_SECONDS)


def test_a_question_that_was_sent_and_is_not_answered_may_still_be_heard(
    link: BusConnection, fake_at: MakeFake
) -> None:
    fake = fake_at()
    connect(link, fake)
    fake.frozen = True
    token = link.call(get_all("a"), 10.0, 100.0)
    assert link.poll(109.9) == ()
    assert link.poll(110.0) == (Unanswered(token, True, True, "systemd does not answer"),)
    fake.frozen = False
    later = link.call(get_all("a"), 10.0, 111.0)
    (event,) = events(link, fake, now=111.0)
    assert isinstance(event, Answered)  # the late answer before it is nobody's any more
    assert event.token == later


def test_a_full_backlog_is_silence_too(link: BusConnection, fake_at: MakeFake, tmp_path: Path) -> None:
    fake_at(backlog=0)
    others = [socket.socket(socket.AF_UNIX) for _ in range(3)]
    for other in others:
        other.setblocking(False)
        other.connect_ex(str(tmp_path / "run/systemd/private"))
    token = link.call(get_all("a"), 10.0, 100.0)
    assert link.poll(100.0) == (Unanswered(token, False, True, "systemd does not answer"),)
    for other in others:
        other.close()


def test_a_connection_that_breaks_tells_so_and_the_next_question_opens_another(
    link: BusConnection, fake_at: MakeFake
) -> None:
    fake = fake_at()
    fake.hangs_up_at = "GetAll"
    token = link.call(get_all("a"), 10.0, 100.0)
    assert events(link, fake, count=2) == [Unanswered(token, True, False, "it closed the connection"),
                                           Disconnected("it closed the connection")]
    fake.hangs_up_at = None
    connect(link, fake)
    assert fake.accepted == 2


@pytest.mark.parametrize("welcome", [b"REJECTED EXTERNAL\r\n", b"OK 1\r\n" + b"\xff" * 64, b"\0" * 5000])
def test_whoever_speaks_another_language_is_left(link: BusConnection, fake_at: MakeFake, welcome: bytes) -> None:
    fake = fake_at()
    fake.welcome = welcome
    token = link.call(get_all("a"), 10.0, 100.0)
    (event,) = events(link, fake)
    assert isinstance(event, Unanswered)
    assert (event.token, event.sent, event.silent) == (token, False, False)


def test_garbage_in_the_middle_ends_the_connection(link: BusConnection, fake_at: MakeFake) -> None:
    fake = fake_at()
    connect(link, fake)
    fake.peers[0].out += b"\xff" * 32
    assert events(link, fake, keep=True) == [Disconnected("what it sends is no message")]


def test_signals_are_heard_from_systemd_alone(link: BusConnection, fake_at: MakeFake) -> None:
    fake = fake_at()
    connect(link, fake)
    fake.tell("UnitNew", "so", ("x.service", "/x"))
    fake.tell("JobRemoved", "uoss", (1, "/job/1", "a.service", "failed"), sender=":1.66")
    fake.tell("JobRemoved", "uoss", (1, "/job/1", "a.service", "done"))
    (event,) = events(link, fake, keep=True)
    assert isinstance(event, BusSignal)
    assert event.body[3] == "done"


def test_a_flood_of_signals_does_not_hold_up_a_poll_for_long(link: BusConnection, fake_at: MakeFake) -> None:
    fake = fake_at()
    connect(link, fake)
    fake.noise = 3000
    token = link.call(get_all("a"), 10.0, 100.0)
    (event,) = events(link, fake)
    assert isinstance(event, Answered)
    assert event.token == token


def test_nothing_to_ask_closes_the_connection_and_a_wait_for_signals_keeps_it(
    link: BusConnection, fake_at: MakeFake
) -> None:
    fake = fake_at()
    connect(link, fake)
    for now, keep, left in ((10 * IDLE_SECONDS, True, 1), (11 * IDLE_SECONDS - 0.1, False, 1),
                            (11 * IDLE_SECONDS, False, 0)):
        link.poll(100.0 + now, keep=keep)
        fake.serve()
        assert len(fake.peers) == left


def test_the_next_place_is_tried_when_the_first_stays_silent(link: BusConnection, fake_at: MakeFake) -> None:
    private, bus = fake_at(), fake_at(bus=True)
    private.frozen = True
    token = link.call(get_all("a"), 60.0, 100.0)
    assert link.poll(100.0) == ()
    link.poll(100.0 + WELCOME_SECONDS)
    (event,) = events(link, bus, now=100.0 + WELCOME_SECONDS)
    assert isinstance(event, Answered)
    assert event.token == token
