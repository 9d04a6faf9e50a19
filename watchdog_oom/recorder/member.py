"""Gzip members (RFC 1952) of lines: written so that every line can be read as soon as it is there, and found again.

The header of ours carries a comment and the time of its first line, so that it is found in the middle of a file and
skipped without being read. Any other gzip file of such lines is read as well, as one piece.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress

from watchdog_oom.lean_dataclasses import dataclass

MAGIC = b"\x1f\x8b"
_HEADER = struct.Struct("<4sIBB")  # magic, method and flags; time; extra flags; system
_DEFLATE_WITH_COMMENT = MAGIC + b"\x08\x10"
_COMMENT = b"watchdog-oom flight recorder\0"
_UNIX = 3
_TRAILER = struct.Struct("<II")
_HEADER_BYTES = _HEADER.size + len(_COMMENT)
_LEVEL = 6
_GZIP = 31  # zlib's window bits for a gzip header
_CHUNK_BYTES = 256 << 10
_PIECE_BYTES = 1 << 10  # deflate makes at most 1 MiB of it
LONGEST_LINE_BYTES = 64 << 20  # a keyframe of 100,000 processes has 20 MiB


class MemberWriter:
    """One member; ``write`` takes all bytes it is given or raises OSError, after which the member stays torn."""

    def __init__(self, write: Callable[[bytes], None], wall: float) -> None:
        self._write = write
        self._deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        self._checksum = self._size = 0
        write(_HEADER.pack(_DEFLATE_WITH_COMMENT, max(0, min(int(wall), 0xFFFFFFFF)), 0, _UNIX) + _COMMENT)

    def add(self, line: bytes) -> None:
        """One line, which can be read at once, whatever happens after."""
        self._checksum = zlib.crc32(line, self._checksum)
        self._size = self._size + len(line) & 0xFFFFFFFF
        self._write(self._deflate.compress(line) + self._deflate.flush(zlib.Z_SYNC_FLUSH))

    def close(self) -> None:
        self._write(self._deflate.flush() + _TRAILER.pack(self._checksum, self._size))


@dataclass(frozen=True, slots=True)
class Member:
    """Where one lies in its file, in bytes; ``wall`` is the time of its first line, 0 if it does not say. ``last``: no
    other follows, so it may be being written."""

    start: int
    end: int
    wall: int
    last: bool


def members(fd: int) -> Iterator[Member]:
    """The members of a file in the order they were written, damaged ones included."""
    size = os.fstat(fd).st_size
    starts = _headers(fd, size)
    first = next(starts, None)
    if first is None or first[0] > 0:
        yield Member(0, first[0] if first else size, 0, first is None)
    while first is not None:
        following = next(starts, None)
        yield Member(first[0], following[0] if following else size, first[1], following is None)
        first = following


def _headers(fd: int, size: int) -> Iterator[tuple[int, int]]:
    """Offsets and times of the headers of ours, in flat memory."""
    at = 0
    while at < size:
        chunk = os.pread(fd, _CHUNK_BYTES + _HEADER_BYTES, at)
        found = chunk.find(_DEFLATE_WITH_COMMENT)
        while 0 <= found < _CHUNK_BYTES:
            header = chunk[found:found + _HEADER_BYTES]
            if header.endswith(_COMMENT) and len(header) == _HEADER_BYTES:
                yield at + found, _HEADER.unpack_from(header)[1]
            found = chunk.find(_DEFLATE_WITH_COMMENT, found + 1)
        at += _CHUNK_BYTES


def lines(fd: int, member: Member, told: Callable[[str], None]) -> Iterator[bytes]:
    """The lines of a member as far as they can be read; ``told`` what is wrong with it, in words."""
    rest: list[bytes] = []
    length = 0
    try:
        for text in _texts(fd, member):
            first, *others = text.split(b"\n")
            rest.append(first)
            length += len(first)
            if others:
                yield b"".join(rest)
                yield from others[:-1]
                rest, length = others[-1:], len(others[-1])
            if length > LONGEST_LINE_BYTES:
                told("it has a line without end")
                return
    except zlib.error as error:
        told("its checksum is wrong, so what was read of it may be wrong" if "check" in str(error)
             else "it is damaged, and read up to there")
        return
    except EOFError:
        if not member.last or any(rest):
            told("it was cut off, and is read up to there")
        return
    if any(rest):
        told("its last line was cut off")


def _texts(fd: int, member: Member) -> Iterator[bytes]:
    """Pieces of what it holds. Raises zlib.error, and EOFError when it has no end; another one right after it, as in
    files of somebody else, is read on."""
    inflate = zlib.decompressobj(_GZIP)
    at = member.start
    while at < member.end:
        packed = os.pread(fd, min(_PIECE_BYTES, member.end - at), at)
        at += len(packed) or member.end
        while packed:
            before = inflate.copy()
            try:
                yield inflate.decompress(packed)
            except zlib.error:
                yield from _byte_by_byte(before, packed)
                raise
            packed = inflate.unused_data
            if inflate.eof:
                if not packed and at >= member.end:
                    return
                inflate = zlib.decompressobj(_GZIP)
    raise EOFError


def _byte_by_byte(inflate: zlib._Decompress, packed: bytes) -> Iterator[bytes]:
    """What lies before the damage, which zlib does not hand out together with it."""
    for at in range(len(packed)):
        with suppress(zlib.error):
            yield inflate.decompress(packed[at:at + 1])
            continue
        return
