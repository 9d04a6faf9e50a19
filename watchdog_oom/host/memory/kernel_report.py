"""The kernel's own last OOM report, as it still is in its log. In a child only: it reads the whole log."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator

from watchdog_oom.host.memory.kmsg import parse_record

RECENT_SECONDS = 60.0
_BEGINS = "invoked oom-killer"
_MOST_LINES = 2000
_MOST_RECORDS = 100_000
_RECORD_BYTES = 8192


def last_report(path: str = "/dev/kmsg", *, now: float | None = None) -> str:
    """The lines from where a process last asked for memory in vain, if that was within the last minute of
    CLOCK_MONOTONIC; else empty. What users wrote into the log is left out."""
    since = (time.monotonic() if now is None else now) - RECENT_SECONDS
    lines: list[str] = []
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        for record in _records(fd):
            text = parse_record(record)
            if text is None:
                continue
            if _BEGINS in text and _seconds(record) >= since:
                lines = [text]
            elif 0 < len(lines) < _MOST_LINES:
                lines.append(text)
    finally:
        os.close(fd)
    return "\n".join(lines)


def _records(fd: int) -> Iterator[bytes]:
    for _ in range(_MOST_RECORDS):
        try:
            record = os.read(fd, _RECORD_BYTES)
        except OSError as error:
            if error.errno in (errno.EPIPE, errno.EINVAL):  # overwritten meanwhile, or too long: the next one
                continue
            return
        if not record:
            return
        yield record


def _seconds(record: bytes) -> float:
    """When the kernel wrote it: ``6,339,5140900,-;text`` (ABI/testing/dev-kmsg), microseconds."""
    fields = record.partition(b";")[0].split(b",")
    return int(fields[2]) / 1e6 if len(fields) > 2 and fields[2].isdigit() else 0.0
