"""The newest acts of the journal, read from its end: a screen that is drawn every two seconds must not read it all."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from watchdog_oom.errors import WatchdogError
from watchdog_oom.journal.reader import opened_segments, parse_record
from watchdog_oom.journal.record import Kind

TAIL_BYTES = 256 << 10
MOST_ACTIONS = 5
_ACTS = frozenset((Kind.OUTCOME, Kind.REFUSED, Kind.INCIDENT, Kind.RECOVERED))


def last_actions(directory: str, most: int = MOST_ACTIONS) -> tuple[tuple[Mapping[str, Any], ...], str]:
    """The newest records of acts, the newest first, and why there are none: the journal is for root alone."""
    found: list[Mapping[str, Any]] = []
    try:
        with opened_segments(directory) as segments:
            for _name, fd in segments[:-3:-1]:  # the current one, and the one before it if it has just begun
                found += [record for record in _backwards(fd) if record["kind"] in _ACTS]
                if len(found) >= most:
                    break
    except WatchdogError:
        return (), "only root may read the journal"
    except OSError as error:
        return (), f"the journal cannot be read: {error.strerror}"
    return tuple(found[:most]), ""


def _backwards(fd: int) -> Iterator[dict[str, Any]]:
    size = os.fstat(fd).st_size
    start = max(0, size - TAIL_BYTES)
    lines = os.pread(fd, TAIL_BYTES, start).split(b"\n")
    for line in reversed(lines[1:] if start else lines):
        record = parse_record(line)
        if record is not None:
            yield record
