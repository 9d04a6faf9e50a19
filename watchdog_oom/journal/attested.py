"""Whether a journal still holds the records whose hashes another host has collected: no chain can prove that alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from watchdog_oom.journal.chain import ChainFault, digest_of, seq_of
from watchdog_oom.journal.files import CURRENT, lines_of
from watchdog_oom.journal.reader import PATIENCE_SECONDS, opened_segments

_MARK = re.compile(rb"record (\d{1,18}) has the SHA-256 ([0-9a-f]{64})(?![0-9a-f])")


def heads_in(text: bytes) -> Mapping[int, frozenset[bytes]]:
    """The hashes by record number in lines of any log; of one record there is more than one if somebody lies."""
    found: dict[int, frozenset[bytes]] = {}
    for number, digest in _MARK.findall(text):
        found[int(number)] = found.get(int(number), frozenset()) | {digest}
    return found


def unlike(directory: str, heads: Mapping[int, frozenset[bytes]]) -> tuple[tuple[ChainFault, ...], int]:
    """What differs from ``heads``, and how many of them are older than the oldest record that is kept."""
    here = dict(_digests(directory, heads))
    oldest = min(here, default=0)
    rotated = [seq for seq in heads if seq < oldest]
    faults = [fault for seq, known in sorted(heads.items()) if seq >= oldest
              for fault in _compared(seq, known, here.get(seq))]
    return tuple(faults), len(rotated)


def _compared(seq: int, known: frozenset[bytes], here: tuple[str, int, bytes] | None) -> Iterator[ChainFault]:
    if here is None:
        yield ChainFault(CURRENT, 0, f"cut off: record {seq}, whose hash was collected, is not there")
    elif known != {here[2]}:
        yield ChainFault(here[0], here[1], f"rewritten: record {seq} has another hash than the one that was collected")


def _digests(directory: str, wanted: Iterable[int]) -> Iterator[tuple[int, tuple[str, int, bytes]]]:
    """File, line and hash of the wanted records, and of the first."""
    first, asked = True, frozenset(wanted)
    with opened_segments(directory) as segments:
        for name, fd in segments:
            patience = PATIENCE_SECONDS if name == CURRENT else 0.0
            for number, (line, _) in enumerate(lines_of(fd, patience_seconds=patience), 1):
                seq = seq_of(line)
                if seq is not None and (first or seq in asked):
                    first = False
                    yield seq, (name, number, digest_of(line))
