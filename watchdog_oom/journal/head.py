"""audit.head: the newest record's number and hash, so that a truncated end of the journal is detected too."""

from __future__ import annotations

import os
import re

from watchdog_oom.journal.chain import ChainLink
from watchdog_oom.journal.files import HEAD, open_for_reading
from watchdog_oom.lean_dataclasses import dataclass

_FORMAT = re.compile(rb"(\d{18}) ([0-9a-f]{64}) (\d{18})\n")


@dataclass(frozen=True, slots=True)
class Head:
    """The newest record, and the number of the oldest record that is still kept."""

    link: ChainLink
    first_seq: int


def format_head(head: Head) -> bytes:
    """Always the same length, so that it can be overwritten in place and needs no space on a full disk."""
    return b"%018d %b %018d\n" % (head.link.seq, head.link.digest, head.first_seq)


def parse_head(text: bytes) -> Head | None:
    match = _FORMAT.fullmatch(text)
    return None if match is None else Head(ChainLink(int(match[1]), match[2]), int(match[3]))


def read_head(directory_fd: int) -> tuple[Head | None, str]:
    """The head, or ``None`` and what is wrong: ``missing`` (or still empty) or
    ``not readable as a head``."""
    fd = open_for_reading(directory_fd, HEAD)
    if fd is None:
        return None, "missing"
    try:
        return read_head_from(fd)
    finally:
        os.close(fd)


def read_head_from(fd: int) -> tuple[Head | None, str]:
    """As ``read_head``, from an open file."""
    text = os.pread(fd, 256, 0)
    head = parse_head(text)
    return head, "" if head else "not readable as a head" if text else "missing"
