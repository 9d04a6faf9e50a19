"""The hourly mark of the chain's head, over real sockets."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from watchdog_oom.journal import Journal
from watchdog_oom.journal.attested import heads_in
from watchdog_oom.journal.chain import GENESIS, ChainLink
from watchdog_oom.journal.head import parse_head
from watchdog_oom.journal.head_mark import MARK_SECONDS, MESSAGE_ID, HeadMarks
from watchdog_oom.journal.system_log import MESSAGE_IDS, SystemLog

LINK = ChainLink(214, b"0123456789abcdef" * 4)


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[socket.socket]:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listening.bind(str(tmp_path / "socket"))
    listening.settimeout(0.2)
    yield listening
    listening.close()


def taken(collector: socket.socket) -> list[bytes]:
    found = []
    try:
        while True:
            found.append(collector.recv(65536))
    except TimeoutError:
        return found


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SystemLog]:
    made = SystemLog(str(tmp_path / "socket"), str(tmp_path / "nothing"))
    yield made
    made.close()


@pytest.fixture
def syslog(tmp_path: Path) -> Iterator[SystemLog]:
    made = SystemLog(str(tmp_path / "nothing"), str(tmp_path / "socket"))
    yield made
    made.close()


def test_it_is_told_at_the_start_and_once_an_hour_though_nothing_was_written(
        collector: socket.socket, log: SystemLog) -> None:
    told = HeadMarks(log)
    for second in range(0, int(2 * MARK_SECONDS) + 60, 60):
        told.keep(LINK, 1000.0 + second)
    assert len(taken(collector)) == 3


def test_it_is_a_field_of_its_own_with_number_and_hash(collector: socket.socket, log: SystemLog) -> None:
    HeadMarks(log).keep(LINK, 1.0)
    lines = taken(collector)[0].splitlines()
    assert b"WATCHDOG_OOM_HEAD=214:" + LINK.digest in lines
    assert b"MESSAGE_ID=" + MESSAGE_ID.encode() in lines
    assert MESSAGE_ID not in MESSAGE_IDS.values()


def test_syslog_gets_the_whole_hash_where_there_is_no_journal(collector: socket.socket, syslog: SystemLog) -> None:
    HeadMarks(syslog).keep(LINK, 1.0)
    [line] = taken(collector)
    assert line.startswith(b"<30>")
    assert heads_in(line) == {214: {LINK.digest}}


def test_what_the_log_does_not_take_is_told_as_soon_as_it_does(
        collector: socket.socket, log: SystemLog, tmp_path: Path) -> None:
    told = HeadMarks(log)
    filler = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    with pytest.raises(BlockingIOError):
        while True:
            filler.sendto(b"x", str(tmp_path / "socket"))
    filler.close()
    told.keep(LINK, 1.0)
    assert all(datagram == b"x" for datagram in taken(collector))
    told.keep(LINK, 3.0)
    assert heads_in(taken(collector)[0]) == {214: {LINK.digest}}


def test_an_empty_journal_has_no_head_to_tell(collector: socket.socket, log: SystemLog) -> None:
    told = HeadMarks(log)
    told.keep(GENESIS, 1.0)
    told.keep(LINK, 2.0)
    assert len(taken(collector)) == 1


def test_the_last_mark_names_the_last_record(collector: socket.socket, log: SystemLog, directory: Path,
                                             write: Callable[..., Journal]) -> None:
    journal = write(3)
    told = HeadMarks(log)
    told.keep(journal.head, 1.0)
    told.close(journal.head)
    stands = parse_head((directory / "audit.head").read_bytes())
    assert stands is not None
    assert [heads_in(line) for line in taken(collector)] == [{3: {stands.link.digest}}] * 2
