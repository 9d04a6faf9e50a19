"""The files of the flight recorder: one an hour (UTC), members appended as they come, old ones removed.

Only the recorder's own child writes here. Names follow the order of writing even if the date is set back.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable

from watchdog_oom.lean_dataclasses import dataclass
from watchdog_oom.recorder.member import MemberWriter

DIRECTORY = "flight"  # below the daemon's log directory
HOUR_SECONDS = 3600
_NAME = re.compile(r"(\d{8}T\d{2})(?:-(\d{1,6}))?\.jsonl\.gz")
_NEVER_SO_FAR_BACK_SECONDS = 24 * HOUR_SECONDS  # a newest file beyond: it is its date that was wrong
_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_SHARES = 4  # one file takes at most that part of all the space


@dataclass(frozen=True, slots=True, order=True)
class FlightFile:
    """``part`` counts on where an hour had too much for one file."""

    hour: str
    part: int
    name: str


def flight_files(names: Iterable[str]) -> list[FlightFile]:
    """Those of the recorder, oldest first; others are none of its business."""
    matches = [found for name in names if (found := _NAME.fullmatch(name)) is not None]
    return sorted(FlightFile(found[1], int(found[2] or 0), found[0]) for found in matches)


def hour_of(wall: float) -> str:
    """The hour as in the names, which sort like it."""
    return time.strftime("%Y%m%dT%H", time.gmtime(wall))


class FlightWriter:
    """Appends lines below a directory. ``space_bytes`` is what all files together may take.

    After an OSError the member is torn: what was written stays readable, and the next line must be a keyframe.
    """

    def __init__(self, directory: str, space_bytes: int, keep_seconds: float) -> None:
        self._directory, self._space_bytes, self._keep_seconds = directory, space_bytes, keep_seconds
        self._fd = -1
        self._member: MemberWriter | None = None

    def write(self, line: bytes, wall: float, *, keyframe: bool) -> None:
        """Raises OSError."""
        try:
            if keyframe:
                self.end()
                self._begin(wall)
            if self._member is not None:
                self._member.add(line)
        except OSError:
            self._abandon()
            raise

    def end(self) -> None:
        """Complete the member. Raises OSError."""
        if self._member is not None:
            self._member.close()
        self._abandon()

    def prune(self, wall: float) -> int:
        """Remove what is too old, then the oldest until the rest fits, but never the newest; returns the bytes that
        stay. Raises OSError."""
        sizes = [(each, os.stat(f"{self._directory}/{each.name}", follow_symlinks=False).st_size)
                 for each in flight_files(os.listdir(self._directory))]
        total = sum(size for _, size in sizes)
        oldest = hour_of(wall - self._keep_seconds - HOUR_SECONDS)
        for each, size in sizes[:-1]:
            if total > self._space_bytes or each.hour < oldest:
                os.unlink(f"{self._directory}/{each.name}")
                total -= size
        return total

    def _begin(self, wall: float) -> None:
        self._fd = os.open(f"{self._directory}/{self._name(wall)}", _APPEND, 0o600)
        self._member = MemberWriter(self._put, wall)

    def _name(self, wall: float) -> str:
        """The newest file's if it is of this hour, or of a later one since the date was set back, and has room."""
        files = flight_files(os.listdir(self._directory))
        hour = hour_of(wall)
        if not files or not hour <= files[-1].hour <= hour_of(wall + _NEVER_SO_FAR_BACK_SECONDS):
            return f"{hour}.jsonl.gz"
        newest = files[-1]
        size = os.stat(f"{self._directory}/{newest.name}", follow_symlinks=False).st_size
        return newest.name if size < self._space_bytes // _SHARES else f"{newest.hour}-{newest.part + 1}.jsonl.gz"

    def _put(self, content: bytes) -> None:
        while content:
            content = content[os.write(self._fd, content):]

    def _abandon(self) -> None:
        fd, self._fd, self._member = self._fd, -1, None
        if fd >= 0:
            os.close(fd)
