"""The journal as the daemon finds it at start: where the chain continues, and what is damaged."""

from __future__ import annotations

import os

from watchdog_oom.journal.chain import GENESIS, ChainLink, Walk, records
from watchdog_oom.journal.files import CURRENT, HEAD, closed_segments, last_link, lines_of, open_for_reading
from watchdog_oom.journal.head import Head, read_head_from
from watchdog_oom.lean_dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Found:
    """``last`` is the record to continue after; ``first_seq`` the oldest kept; ``current_first_seq`` the current
    segment's first record, ``None`` if it has none; ``set_aside`` requests a new segment because of the damage."""

    last: ChainLink
    first_seq: int
    current_first_seq: int | None = None
    damaged: str | None = None
    set_aside: bool = False


def examine(directory_fd: int, head_fd: int) -> Found:
    """Read the current segment and the head. Raises OSError when they cannot be read at all."""
    head, head_problem = read_head_from(head_fd)
    closed = closed_segments(directory_fd)
    walk = _walk(directory_fd, CURRENT, head)
    newest_closed = next((link for segment in reversed(closed)
                          if (link := last_link(directory_fd, segment.name)) is not None), None)
    if walk.lines == 0 and not closed and head is None and head_problem == "missing":
        return Found(GENESIS, 1)
    last = _furthest(walk.last, newest_closed, head.link if head else None)
    stated = walk if walk.lines or not closed else _walk(directory_fd, closed[-1].name, head)
    first_seq = stated.stated or (head.first_seq if head else min(
        [s.first_seq for s in closed] + [walk.first_seq or last.seq + 1]))
    damaged = _damage(walk, head, head_problem, walk.last or newest_closed or GENESIS)
    behind = head is not None and walk.last is not None and head.link.seq < walk.last.seq - 1
    if damaged is None and behind and head is not None:
        # the result of a power failure: the lines reached the disk complete, only the head did not
        damaged = f"{HEAD}: {last.seq - head.link.seq} records behind the last line"
        return Found(last, first_seq, walk.first_seq, damaged)
    if damaged is None and head is not None:
        unlike = other_hash(head, newest_closed or GENESIS) or oldest_differs(head, stated.stated_at_anchor)
        if unlike or (head.first_seq > 1 and stated.stated is None):
            # no reason for a new segment: the lines are whole
            damaged = unlike or (f"{HEAD}: an earlier release wrote that {head.first_seq} is the oldest record; from "
                                 "here on each record says so")
            return Found(last, first_seq, walk.first_seq, damaged)
    return Found(last, first_seq, walk.first_seq, damaged, set_aside=damaged is not None and walk.lines > 0)


def other_hash(head: Head, link: ChainLink) -> str:
    """What is wrong with the head if it names this record with another hash; empty if nothing."""
    if head.link.seq != link.seq or head.link.digest == link.digest:
        return ""
    return f"{HEAD}: names another hash for record {link.seq}: it was edited"


def oldest_differs(head: Head, stated: int | None) -> str:
    """What is wrong with the oldest record that the head names, by what the chain states; empty if nothing."""
    if stated is None or head.first_seq == stated:
        return ""
    return f"{HEAD}: names {head.first_seq} as the oldest record kept, but the chain says {stated}: it was edited"


def _walk(directory_fd: int, name: str, head: Head | None) -> Walk:
    walk = Walk(anchor=head.link if head else None)
    fd = open_for_reading(directory_fd, name)
    if fd is not None:
        try:
            walk.segment(name, lines_of(fd))
        finally:
            os.close(fd)
    return walk


def _damage(walk: Walk, head: Head | None, head_problem: str, last: ChainLink) -> str | None:
    if walk.findings:
        return str(walk.findings[0])
    if head is None:
        return f"{HEAD}: {head_problem}: it is not known whether the end was cut off"
    if head.link.seq > last.seq:
        missing = records(last.seq + 1, head.link.seq)
        return f"{CURRENT}:{walk.number + 1}: truncated: {missing} missing at the end, according to {HEAD}"
    return None


def _furthest(*links: ChainLink | None) -> ChainLink:
    """The newest record known; the lines take precedence over the head, which may be one behind."""
    return max((link for link in links if link is not None), key=lambda link: link.seq, default=GENESIS)
