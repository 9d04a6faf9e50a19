"""Whether the journal is intact: every segment's chain, and audit.head to detect a truncated end."""

from __future__ import annotations

import os
from collections.abc import Iterator

from watchdog_oom.journal.chain import GENESIS, ChainFault, Walk, records
from watchdog_oom.journal.files import CURRENT, HEAD, lines_of
from watchdog_oom.journal.head import Head, read_head
from watchdog_oom.journal.inspect import oldest_differs, other_hash
from watchdog_oom.journal.reader import PATIENCE_SECONDS, opened_segments
from watchdog_oom.lean_dataclasses import dataclass

MOST_LOOKS = 3


@dataclass(frozen=True, slots=True)
class Verdict:
    """The findings, in the order of files and lines. ``first_seq`` to ``last_seq`` are the records present; those
    before ``first_seq`` were removed by rotation and cannot be verified."""

    findings: tuple[ChainFault, ...]
    good_lines: int
    segments: int
    first_seq: int | None
    last_seq: int | None

    @property
    def intact(self) -> bool:
        return not self.findings


def verify(directory: str) -> Verdict:
    """Walk the whole journal. Safe while a daemon writes: a read may see half of the head that it overwrites just then,
    so what is found while the head moves is looked for again. No damage mends itself."""
    for _ in range(MOST_LOOKS):
        verdict, moving = _walked(directory)
        if verdict.intact or not moving:
            break
    return verdict


def _walked(directory: str) -> tuple[Verdict, bool]:
    """The verdict, and whether the head changed meanwhile. The daemon writes the line before the head, so a head read
    before the lines is never ahead of them, and a head read after them is at most one behind."""
    head_before, _ = _head(directory)
    walk = Walk(anchor=head_before.link if head_before else None)
    set_aside = []
    with opened_segments(directory) as segments:
        for name, fd in segments:
            known = len(walk.findings)
            walk.segment(name, lines_of(fd, patience_seconds=PATIENCE_SECONDS if name == CURRENT else 0.0))
            if ".damaged" in name and len(walk.findings) == known:
                set_aside.append(ChainFault(name, 0, "set aside as damaged; the next segment's first record says why"))
    head_after, problem = _head(directory)
    findings = [*walk.findings, *set_aside, *_ends(walk, head_before, head_after, problem)]
    order = {name: place for place, (name, _) in enumerate(segments)}
    findings.sort(key=lambda finding: (order.get(finding.file, len(order)), finding.line))
    last_seq = walk.last.seq if walk.last else None
    return Verdict(tuple(findings), walk.good_lines, len(segments), walk.first_seq, last_seq), head_before != head_after


def _head(directory: str) -> tuple[Head | None, str]:
    try:
        directory_fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None, "missing"
    try:
        return read_head(directory_fd)
    except OSError:
        return None, "not readable"
    finally:
        os.close(directory_fd)


def _ends(walk: Walk, before: Head | None, after: Head | None, problem: str) -> Iterator[ChainFault]:
    """Findings from the head: whether the oldest and the newest record are those it names."""
    if after is None:
        yield ChainFault(HEAD, 0, f"{problem}: it is not known whether the end was cut off")
        return
    last_seq = walk.last.seq if walk.last else 0
    first_seq = walk.first_seq if walk.first_seq is not None else last_seq + 1
    oldest = after.first_seq
    if before is not None and other_hash(before, GENESIS):
        yield ChainFault(HEAD, 0, "names a hash for no record: it was edited")
    if before is not None and walk.stated_at_anchor is not None and before.first_seq != walk.stated_at_anchor:
        oldest = min(oldest, walk.stated_at_anchor)
        what = oldest_differs(before, walk.stated_at_anchor)
        yield ChainFault(HEAD, 0, what.removeprefix(f"{HEAD}: "))
    if first_seq > oldest and walk.first_seq is not None:
        missing = records(oldest, first_seq - 1)
        yield ChainFault(walk.first_file, 1, f"removed: {missing} missing before this line")
    if before is not None and before.link.seq > last_seq:
        number = walk.number + 1 if walk.file == CURRENT else 1
        missing = records(last_seq + 1, before.link.seq)
        yield ChainFault(CURRENT, number, f"truncated: {missing} missing at the end, according to audit.head")
    elif after.link.seq < last_seq - 1:
        yield ChainFault(HEAD, 0, f"{last_seq - after.link.seq} records behind the last line: lines were added, "
                               "or the host went down before the head reached the disk")

