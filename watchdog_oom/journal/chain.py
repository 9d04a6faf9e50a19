"""The hash chain: each line carries the SHA-256 of the line before, so every change inside the chain is detected.

The hash is the interpreter's own C module instead of hashlib, which loads OpenSSL: 3.6 MiB of locked memory, where this
one takes 0.03.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from watchdog_oom.lean_dataclasses import dataclass, field
from watchdog_oom.sha256 import sha256

_START = b'{"v":1,"seq":'
_PREV = b'"prev":"'
_FIRST = re.compile(rb',"first":(\d{1,18}),$')
_FIRST_BYTES = 29
_HEX = frozenset(b"0123456789abcdef")


@dataclass(frozen=True, slots=True)
class ChainLink:
    """One record's position in the chain: its number and the hex SHA-256 of its line without the newline."""

    seq: int
    digest: bytes


GENESIS = ChainLink(0, b"0" * 64)


@dataclass(frozen=True, slots=True)
class ChainFault:
    """One thing that is wrong with the journal, at a line (0: the file as a whole)."""

    file: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}" if self.line else f"{self.file}: {self.what}"


def digest_of(line: bytes) -> bytes:
    """The hex SHA-256 of a line without its newline."""
    return sha256(line).hexdigest().encode("ascii")


def link_of(line: bytes) -> ChainLink | None:
    """The position of a line in the chain, or ``None`` if it does not have the form of a record."""
    shape = _shape(line)
    return None if shape is None else ChainLink(shape[0], digest_of(line))


def seq_of(line: bytes) -> int | None:
    """The number of a line that has the form of a record."""
    shape = _shape(line)
    return None if shape is None else shape[0]


@dataclass(slots=True)
class Walk:
    """A walk along the chain, segment by segment; ``last`` is the newest record seen, ``first_seq`` the oldest.

    ``anchor`` is the newest record according to audit.head. ``stated`` is the oldest record kept, as the newest record
    says, ``stated_at_anchor`` as the newest up to the anchor says; ``None`` where an earlier release wrote them.
    After a break the walk continues from the next record, so that every break is reported, the first one first.
    """

    last: ChainLink | None = None
    anchor: ChainLink | None = None
    first_seq: int | None = None
    first_file: str = ""
    stated: int | None = None
    stated_at_anchor: int | None = None
    lines: int = 0
    findings: list[ChainFault] = field(default_factory=list)
    file: str = ""
    number: int = 0
    _where: tuple[str, int] = ("", 0)
    _unread: int = 0
    _missing: dict[int, range] = field(default_factory=dict)

    @property
    def good_lines(self) -> int:
        """The number of valid lines; a line after a gap is itself valid."""
        return self.lines - len(self.findings) + len(self._missing)

    def segment(self, file: str, lines: Iterable[tuple[bytes, bool]]) -> None:
        """Walk one segment's lines; each comes with a flag that says whether it ended with a newline."""
        self.file = file
        self.number = 0
        for line, complete in lines:
            self.number += 1
            self.lines += 1
            last = self.last
            # prev is the last field of every line, so neither JSON nor a regular expression is needed to follow it
            if (complete and last is not None and line[-66:-2] == last.digest and line[-74:-66] == _PREV
                    and line.startswith(b"%b%d," % (_START, last.seq + 1))):
                self._pass(line, last.seq + 1)
            else:
                self._odd(line, complete)

    def _pass(self, line: bytes, seq: int) -> None:
        digest = digest_of(line)
        self.last = ChainLink(seq, digest)
        self._unread = 0
        self._where = (self.file, self.number)
        self.stated = _stated(line)
        if self.anchor is None or seq <= self.anchor.seq:
            self.stated_at_anchor = self.stated
        if self.anchor is not None and seq == self.anchor.seq and digest != self.anchor.digest:
            self._blame(self._where, "edited: audit.head has another hash for this line")

    def _odd(self, line: bytes, complete: bool) -> None:
        here = (self.file, self.number)
        shape = _shape(line)
        if not complete:
            self._blame(here, "truncated: the line does not end; a write was cut short, or the end was cut off")
            return
        if shape is None:
            self._unread += 1
            self._blame(here, "not a journal record" if _is_json(line) else "not JSON")
            return
        seq, prev = shape
        if self.last is None:
            self.first_seq, self.first_file = seq, self.file
            if seq == 1 and prev != GENESIS.digest:
                self._blame(here, "edited: record 1 names the hash of an earlier record")
        else:
            seq = self._break(self.last, seq, prev)
        self._pass(line, seq)

    def _break(self, last: ChainLink, seq: int, prev: bytes) -> int:
        """Report what is wrong with a record that does not continue the chain; returns the number to continue from."""
        here = (self.file, self.number)
        due = last.seq + 1
        if prev == last.digest:
            self._blame(here, f"edited: its number is {seq} instead of {due}")
            return due
        if due < seq <= due + self._unread:
            return seq
        if seq == due:
            self._blame(self._where, f"edited: record {due} has another hash for this line, or was edited itself")
        elif seq > due:
            self._missing[len(self.findings)] = range(due, seq)
            self._blame(here, f"removed: {records(due, seq - 1)} missing before this line")
        else:
            self._blame(here, f"reordered: record {seq} stands after record {last.seq}")
            self._not_missing(seq)
        return seq

    def _not_missing(self, seq: int) -> None:
        for index, missing in self._missing.items():
            if seq in missing and index < len(self.findings):
                old = self.findings[index]
                self.findings[index] = ChainFault(old.file, old.line, f"reordered: record {seq} should stand before it")

    def _blame(self, where: tuple[str, int], what: str) -> None:
        if not any((known.file, known.line) == where for known in self.findings):
            self.findings.append(ChainFault(*where, what))


def records(first: int, last: int) -> str:
    """``record 5 is`` or ``records 5 to 9 are``."""
    return f"record {first} is" if first == last else f"records {first} to {last} are"


def _shape(line: bytes) -> tuple[int, bytes] | None:
    """Number and prev of a line that begins and ends like a record."""
    comma = line.find(b",", len(_START), len(_START) + 20)
    number = line[len(_START):comma]
    prev = line[-66:-2]
    if not line.startswith(_START) or comma < 0 or not number.isdigit():
        return None
    if line[-74:-66] != _PREV or line[-2:] != b'"}' or not _HEX.issuperset(prev):
        return None
    return int(number), prev


def _stated(line: bytes) -> int | None:
    """The oldest record kept when this line was written; it stands just before prev."""
    match = _FIRST.search(line[-74 - _FIRST_BYTES:-74])
    return None if match is None else int(match[1])


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True
