"""Lines out of chunks: what cannot be a report is passed over, what is no log is refused at once."""

from __future__ import annotations

import gzip
import os
import random
import time
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kernel_log import reports
from watchdog_oom.kernel_log.events import events_in
from watchdog_oom.kernel_log.source import NotALogError, Source

ORDINARY = b"Nov 26 22:44:00 host sshd[77]: Accepted publickey for root from 192.0.2.1 port 50022 ssh2\n"
BLOCK = ORDINARY * (2 ** 20 // len(ORDINARY))


@pytest.mark.parametrize(("head", "words"), [
    (gzip.compress(BLOCK), "zcat"), (b"\x7fELF" + bytes(100), "program"), (b"LPKSHHRH" + bytes(100), "journalctl"),
    (bytes(1 << 16), "binary"), (random.Random(1).randbytes(1 << 17), "binary"), (b"a" * (1 << 17), "no line ends"),
])
def test_what_is_no_log_is_refused_with_words(head: bytes, words: str) -> None:
    with pytest.raises(NotALogError, match=words):
        list(Source([head]))


def test_four_gigabytes_of_binary_are_refused_by_their_beginning() -> None:
    given_out = []

    def chunks() -> Iterator[bytes]:
        while True:
            given_out.append(1)
            yield os.urandom(1 << 16)

    with pytest.raises(NotALogError):
        list(events_in(chunks()))
    assert len(given_out) == 1


def test_a_few_zero_bytes_as_after_a_crash_are_no_binary() -> None:
    log = ORDINARY + bytes(40) + b"\n" + ORDINARY * 20 + b"Out of memory: Killed process 5 (x) total-vm:1kB\n"
    assert [event.kills[0].pid for event in events_in([log])] == [5]


@pytest.mark.parametrize("before", [0, 1, 40, 5000])
def test_the_line_numbers_are_those_of_the_file(before: int) -> None:
    log = ORDINARY * before + reports.GLOBAL_6_1.encode() + ORDINARY * 3000 + reports.OLD_2_4.encode()
    for size in (1000, 1 << 20):
        chunks = [log[start:start + size] for start in range(0, len(log), size)]
        first, second = events_in(chunks)
        assert first.first_line == before + 1
        assert second.first_line == before + len(reports.GLOBAL_6_1.splitlines()) + 3000 + 1


@given(st.lists(st.binary(min_size=1, max_size=60).filter(lambda line: b"\n" not in line), max_size=30),
       st.integers(1, 50))
def test_attended_lines_come_whole_and_in_order(lines: list[bytes], size: int) -> None:
    log = b"".join(line + b"\n" for line in [b"oom-kill", *lines])
    source = Source(log[start:start + size] for start in range(0, len(log), size))
    try:
        found = list(source)
    except NotALogError:
        return
    assert [line for _, line in found] == [b"oom-kill", *lines]
    assert [number for number, _ in found] == list(range(1, len(lines) + 2))


def test_a_line_without_end_is_cut_and_the_next_one_is_whole() -> None:
    log = [b"oom-kill\n", *[b"x" * 50000] * 30, b"\nOut of memory: Killed process 5 (x) total-vm:1kB\n"]
    assert [event.kills[0].pid for event in events_in(log)] == [5]


@pytest.mark.slow
def test_a_long_log_is_read_in_a_memory_that_does_not_grow_and_fast() -> None:
    report = reports.GLOBAL_6_1.encode()

    def chunks(count: int) -> Iterator[bytes]:
        for _ in range(count):
            yield BLOCK
            yield report

    peaks = []
    for count in (3, 30):
        tracemalloc.start()
        assert sum(1 for _ in events_in(chunks(count))) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + (1 << 20)
    started = time.process_time()
    assert list(events_in(BLOCK for _ in range(20))) == []
    assert 20 * len(BLOCK) / (time.process_time() - started) > 10e6  # ten times slower than on a calm machine
