"""Writes samples into a file of their own, which nothing overwrites and no other user reads."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress

from watchdog_oom.core.model import Snapshot
from watchdog_oom.errors import UsageError
from watchdog_oom.lean_dataclasses import dataclass
from watchdog_oom.recorder.frames import encode, extra, line_of
from watchdog_oom.recorder.member import MemberWriter
from watchdog_oom.recorder.sample import Sample

MEMBER_SECONDS = 600.0
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW


@dataclass(frozen=True, slots=True)
class CutOut:
    """``first`` and ``last`` are dates, in seconds since the epoch."""

    samples: int
    first: float
    last: float
    size_bytes: int


def cut(samples: Iterable[Sample], path: str) -> CutOut | None:
    """``None``, and no file, if there are no samples. Raises UsageError if the file is there already, OSError when it
    cannot be written; then nothing of it is left."""
    rest = iter(samples)
    first = next(rest, None)
    if first is None:
        return None
    fd = new_file(path)
    try:
        writer = _Cutter(fd)
        writer.add(first)
        for sample in rest:
            writer.add(sample)
        writer.end()
        return CutOut(writer.count, first.snapshot.clock.wall, writer.last, os.fstat(fd).st_size)
    except BaseException:
        with suppress(OSError):
            os.unlink(path)
        raise
    finally:
        os.close(fd)


def new_file(path: str) -> int:
    """A descriptor of a new file for root alone."""
    try:
        return os.open(path, _NEW, 0o600)
    except FileExistsError:
        raise UsageError(f"{path}: is there already, and nothing is overwritten; choose another name") from None
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise UsageError(f"{path}: cannot be made: {error.strerror}") from error


class _Cutter:
    """Members of ten minutes, each with a keyframe."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._member: MemberWriter | None = None
        self._previous: Snapshot | None = None
        self._begun = 0.0
        self.count = 0
        self.last = 0.0

    def add(self, sample: Sample) -> None:
        clock = sample.snapshot.clock
        if self._member is None or self._needs_keyframe(sample):
            self.end()
            self._member = MemberWriter(self._put, clock.wall)
            self._previous, self._begun = None, clock.boottime
        if not sample.repeated or self._previous is None:
            about = sample.about if self._previous is None else {}
            kind = sample.kind
            self._member.add(encode(self._previous, sample.snapshot, kind, dropped=sample.dropped, about=about))
            self._previous = sample.snapshot
            self.count += 1
            self.last = clock.wall
        if sample.read_boottime is not None and sample.extra:
            self._member.add(line_of(extra(sample.extra, sample.read_boottime)))

    def end(self) -> None:
        if self._member is not None:
            self._member.close()
            self._member = None

    def _put(self, content: bytes) -> None:
        while content:
            content = content[os.write(self._fd, content):]

    def _needs_keyframe(self, sample: Sample) -> bool:
        seen, previous = sample.snapshot, self._previous
        return not sample.repeated and (previous is None or seen.boot_id != previous.boot_id
                                        or seen.clock.boottime - self._begun >= MEMBER_SECONDS)
