"""The head of the journal: always as long, read back as written, and anything else is named."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.journal.chain import ChainLink
from watchdog_oom.journal.head import Head, format_head, parse_head, read_head

NUMBERS = st.integers(0, 10**18 - 1)
DIGESTS = st.binary(min_size=32, max_size=32).map(lambda digest: digest.hex().encode())


@given(NUMBERS, DIGESTS, NUMBERS)
def test_a_head_is_read_back_as_it_was_written_and_is_always_as_long(seq: int, digest: bytes, first: int) -> None:
    head = Head(ChainLink(seq, digest), first)
    assert parse_head(format_head(head)) == head
    assert len(format_head(head)) == 103


@given(st.binary(max_size=120))
def test_no_bytes_break_the_parser(text: bytes) -> None:
    assert parse_head(text) is None


def test_a_missing_an_empty_and_a_damaged_head_are_told_apart(tmp_path: Path) -> None:
    fd = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    assert read_head(fd) == (None, "missing")
    (tmp_path / "audit.head").touch()
    assert read_head(fd) == (None, "missing")
    (tmp_path / "audit.head").write_bytes(b"1 2 3\n")
    assert read_head(fd) == (None, "not readable as a head")
    os.close(fd)
