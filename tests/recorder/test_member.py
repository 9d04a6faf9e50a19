"""Gzip members: readable line by line while they are written, found again behind damage, read by every gzip."""

from __future__ import annotations

import gzip
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from watchdog_oom.recorder.member import LONGEST_LINE_BYTES, MemberWriter, lines, members


def packed(*texts: bytes, wall: float = 1000.0, complete: bool = True) -> bytes:
    parts: list[bytes] = []
    writer = MemberWriter(parts.append, wall)
    for text in texts:
        writer.add(text)
    if complete:
        writer.close()
    return b"".join(parts)


@contextmanager
def opened(path: Path, content: bytes) -> Iterator[int]:
    path.write_bytes(content)
    fd = os.open(path, os.O_RDONLY)
    yield fd
    os.close(fd)


def read(path: Path, content: bytes) -> tuple[list[list[bytes]], list[str]]:
    told: list[str] = []
    with opened(path, content) as fd:
        return [list(lines(fd, member, told.append)) for member in members(fd)], told


def test_members_are_found_with_their_times_and_read_by_gzip_itself(tmp_path: Path) -> None:
    content = packed(b"a\n", b"b\n", wall=7.9) + packed(b"c\n", wall=600)
    with opened(tmp_path / "f.gz", content) as fd:
        found = list(members(fd))
    assert [(each.wall, each.last) for each in found] == [(7, False), (600, True)]
    assert (found[0].start, found[0].end, found[1].end) == (0, found[1].start, len(content))
    assert read(tmp_path / "f.gz", content) == ([[b"a", b"b"], [b"c"]], [])
    assert subprocess.run(["zcat", tmp_path / "f.gz"], capture_output=True, check=True).stdout == b"a\nb\nc\n"


def test_every_line_can_be_read_before_its_member_has_an_end(tmp_path: Path) -> None:
    assert read(tmp_path / "f", packed(b"a\n", b"b\n", complete=False)) == ([[b"a", b"b"]], [])


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_a_torn_member_costs_only_its_own_last_lines(tmp_path: Path, cut: int) -> None:
    noise = [os.urandom(20).hex().encode() + b"\n" for _ in range(4)]
    torn = packed(*noise)[:-8 - cut]
    (found, following), told = read(tmp_path / "f", torn + packed(b"next\n"))
    assert found == [line.rstrip() for line in noise[:len(found)]] and len(found) >= 2
    assert following == [b"next"]
    assert told == ["it was cut off, and is read up to there"]


def test_damage_in_the_middle_is_told_and_the_next_member_is_read(tmp_path: Path) -> None:
    whole = packed(*[b"%d\n" % number for number in range(2000)])
    damaged = bytearray(whole)
    damaged[len(whole) // 2:len(whole) // 2 + 9] = b"\xff" * 9
    (found, following), told = read(tmp_path / "f", bytes(damaged) + packed(b"next\n"))
    assert 0 < len(found) < 2000 and following == [b"next"]
    assert told == ["it is damaged, and read up to there"]


def test_a_wrong_checksum_is_told(tmp_path: Path) -> None:
    whole = packed(b"a\n")
    assert read(tmp_path / "f", whole[:-8] + b"\0" * 8) == (
        [[b"a"]], ["its checksum is wrong, so what was read of it may be wrong"])


def test_files_of_another_gzip_are_read_as_one_piece(tmp_path: Path) -> None:
    big = b"\n".join(b"%d" % number for number in range(200_000))
    found, told = read(tmp_path / "f", gzip.compress(b"a\nb\n") + gzip.compress(big + b"\n"))
    assert found == [[b"a", b"b", *big.split(b"\n")]] and told == []


@pytest.mark.parametrize("before_the_end", [*range(1, 45, 4), 0, -1])
def test_a_header_that_lies_across_two_pieces_of_reading_is_found_once(tmp_path: Path, before_the_end: int) -> None:
    noise = os.urandom((256 << 10) - before_the_end).replace(b"\x1f", b"\x1e")
    with opened(tmp_path / "f", noise + packed(b"a\n", wall=7)) as fd:
        assert [(each.start, each.wall) for each in members(fd)] == [(0, 0), (len(noise), 7)]


def test_a_line_without_end_is_left_in_time(tmp_path: Path) -> None:
    found, told = read(tmp_path / "bomb", gzip.compress(bytes(LONGEST_LINE_BYTES + (8 << 20)), 1))
    assert found == [[]] and told == ["it has a line without end"]
