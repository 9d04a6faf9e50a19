"""The files of the flight recorder, as the child fills them: keyframes, room on the disk, what could not be written."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Mapping
from contextlib import suppress

from watchdog_oom import __version__, formatting
from watchdog_oom.core.model import Snapshot
from watchdog_oom.daemon.flight.backlog import Recorded
from watchdog_oom.recorder.frames import encode, extra, line_of
from watchdog_oom.recorder.segments import DIRECTORY, HOUR_SECONDS, FlightWriter

KEYFRAME_SECONDS = 600.0
PRUNE_SECONDS = 60.0
LEAST_FREE_BYTES = 4 << 20  # the journal, which reserves far less, comes first
ENOUGH_FREE_BYTES = 256 << 20
_FREE_SHARE = 20  # of the file system, between those two


class Recording:
    """``lost`` samples could not be written, and ``problem`` says why, in words, as long as that is so."""

    def __init__(self, log_directory: str, *, size_bytes: int, keep_seconds: float) -> None:
        self.last_wall: float | None = None
        self.size_bytes = 0
        self.lost = 0
        self.problem = ""
        self._directory = f"{log_directory}/{DIRECTORY}"
        self._files = FlightWriter(self._directory, size_bytes, keep_seconds)
        self._about = {"host": os.uname().nodename, "version": __version__}
        self._previous: Snapshot | None = None
        self._keyframe_boottime = self._pruned_boottime = float("-inf")
        self._lost_since_written = 0
        self._lock = -1
        with suppress(OSError):
            self._open()

    def write(self, recorded: Recorded) -> None:
        """Never raises: what does not find room is lost and counted."""
        clock = recorded.snapshot.clock
        previous = None if recorded.keyframe or self._is_due(recorded.snapshot) else self._previous
        line = encode(previous, recorded.snapshot, recorded.kind, dropped=recorded.dropped + self._lost_since_written,
                      about=self._about if previous is None else {})
        if not self._put(line, clock.wall, clock.boottime, keyframe=previous is None):
            self.lost += 1
            self._lost_since_written += 1
            return
        if previous is None:
            self._keyframe_boottime = clock.boottime
        self._previous, self.last_wall, self._lost_since_written = recorded.snapshot, clock.wall, 0

    def add(self, texts: Mapping[str, str], read_boottime: float) -> None:
        """Texts that belong to the last sample; without one they are lost."""
        if self._previous is not None:
            clock = self._previous.clock
            self._put(line_of(extra(texts, read_boottime)), clock.wall, clock.boottime, keyframe=False)

    def close(self) -> None:
        with suppress(OSError):
            self._files.end()

    def _is_due(self, snapshot: Snapshot) -> bool:
        """Whether a keyframe is: ten minutes after the last, and in each file."""
        if self._previous is None or snapshot.clock.boottime - self._keyframe_boottime >= KEYFRAME_SECONDS:
            return True
        return snapshot.clock.wall // HOUR_SECONDS != self._previous.clock.wall // HOUR_SECONDS

    def _put(self, line: bytes, wall: float, boottime: float, *, keyframe: bool) -> bool:
        try:
            if self._lock < 0:
                self._open()
            if boottime - self._pruned_boottime >= PRUNE_SECONDS:
                self._pruned_boottime, self.size_bytes = boottime, self._files.prune(wall)
            self.problem = self._no_room()
            if not self.problem:
                self._files.write(line, wall, keyframe=keyframe)
                return True
            self._files.end()
        except OSError as error:
            self.problem = f"{self._directory}: {error.strerror}"
        self._previous = None
        return False

    def _no_room(self) -> str:
        found = os.statvfs(self._directory)
        free_bytes = found.f_bavail * found.f_frsize
        wanted = min(ENOUGH_FREE_BYTES, max(LEAST_FREE_BYTES, found.f_blocks * found.f_frsize // _FREE_SHARE))
        if free_bytes >= wanted:
            return ""
        return (f"{formatting.size(free_bytes)} are free where {self._directory} is; the recorder leaves the last "
                f"{formatting.size(wanted)} to others")

    def _open(self) -> None:
        """The directory, for this process alone: one that a killed daemon left may still be writing its rest."""
        with suppress(FileExistsError):
            os.mkdir(self._directory, 0o700)
        fd = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        status = os.fstat(fd)
        if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077:
            os.close(fd)
            raise PermissionError(0, "is not a directory that only its owner, who runs the daemon, can read")
        fcntl.flock(fd, fcntl.LOCK_EX)
        self._lock = fd
