"""The records of the journal that were not read before, found again by the last one that was, also after a restart."""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from watchdog_oom.cli.audit.tail import JournalTail
from watchdog_oom.cli.notify.book import JournalPlace
from watchdog_oom.journal.reader import parse_record

_SEQ = re.compile(rb'\{"v":\d+,"seq":(\d+),')


class JournalFollower:
    """``place`` is that of the last record read, ``None`` if none ever was: then it begins with what comes from now on.
    ``missed`` counts the records that rotation had removed before they were read."""

    def __init__(self, directory: str, place: JournalPlace | None) -> None:
        self.place = place
        self.missed = 0
        self._directory = directory
        self._tail = JournalTail(directory)
        self._begun = False

    def records(self) -> Iterator[dict[str, Any]]:
        """The new ones, oldest first; ``place`` is that of the one that was given last. Raises NotPermittedError."""
        if self._begun:
            yield from self._given(self._tail.lines())
            return
        self._begun = True
        if self.place is not None:
            yield from self._given(self._after(self._tail.lines(), self.place))
            return
        for line in self._tail.lines():
            self.place = _place_of(line) or self.place
        self.place = self.place or JournalPlace(0, "")  # an empty journal: all that comes is new

    def close(self) -> None:
        self._tail.close()

    def _given(self, lines: Iterator[bytes]) -> Iterator[dict[str, Any]]:
        for line in lines:
            place = _place_of(line)
            record = parse_record(line)
            if place is not None and record is not None:
                self.place = place
                yield record

    def _after(self, lines: Iterator[bytes], place: JournalPlace) -> Iterator[bytes]:
        """Those after the place; all of them where it is not there: rotated away, or of a journal that is gone."""
        found = self._has(place)
        first = True
        for line in lines:
            seq = _seq_of(line)
            if first and seq is not None:
                self.missed = max(0, seq - place.seq - 1) if not found and place.seq else 0
                first = False
            if not found or (seq is not None and seq > place.seq):
                found = False  # from the first newer one on, all are new
                yield line

    def _has(self, place: JournalPlace) -> bool:
        tail = JournalTail(self._directory)
        try:
            return any(_seq_of(line) == place.seq and _place_of(line) == place for line in tail.lines())
        finally:
            tail.close()


def _seq_of(line: bytes) -> int | None:
    found = _SEQ.match(line)
    return int(found[1]) if found else None


def _place_of(line: bytes) -> JournalPlace | None:
    seq = _seq_of(line)
    return None if seq is None else JournalPlace(seq, sha256(line).hexdigest())
