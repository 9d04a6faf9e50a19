"""Reading the journal while the daemon runs: all segments in order, whatever is rotated or written meanwhile."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from watchdog_oom.errors import NotPermittedError, UsageError
from watchdog_oom.journal.files import CURRENT, HEAD, closed_segments, lines_of, open_for_reading
from watchdog_oom.journal.record import rfc3339
from watchdog_oom.lean_dataclasses import dataclass
from watchdog_oom.lean_typing import Any

PATIENCE_SECONDS = 0.2
_TRIES = 20
_TIME = b'"time":"'


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal as stored, and its record."""

    line: bytes
    record: dict[str, Any]


def read_entries(directory: str, *, since: float | None = None, until: float | None = None,
                 incident: str | None = None) -> Iterator[Entry]:
    """The records from ``since`` to ``until`` (seconds since the epoch), or only those of one incident, oldest first.

    Lines that are not records are skipped: reporting them is the task of ``verify``. A directory that does not exist or
    holds no journal yet yields nothing. Raises NotPermittedError.
    """
    chosen = entry_chooser(since=since, until=until, incident=incident)
    with opened_segments(directory) as segments:
        for _name, fd in segments:
            for line, _complete in lines_of(fd, patience_seconds=PATIENCE_SECONDS):
                entry = chosen(line)
                if entry is not None:
                    yield entry


def entry_chooser(*, since: float | None = None, until: float | None = None,
                  incident: str | None = None) -> Callable[[bytes], Entry | None]:
    """A function that makes an entry of a line; ``None`` if it is no record or not wanted. What is not wanted is
    mostly told from the bytes, without parsing them."""
    from_time = b"" if since is None else rfc3339(since).encode("ascii")
    to_time = b"" if until is None else rfc3339(until).encode("ascii")
    named = b"" if incident is None else b'"incident":' + json.dumps(incident).encode("ascii")

    def chosen(line: bytes) -> Entry | None:
        if named not in line:
            return None
        at = line.find(_TIME, 0, 64) + len(_TIME)
        if line[at:at + len(from_time)] < from_time or (to_time and line[at:at + len(to_time)] > to_time):
            return None
        record = parse_record(line)
        return None if record is None or incident not in (None, record.get("incident")) else Entry(line, record)
    return chosen


def parse_record(line: bytes) -> dict[str, Any] | None:
    """The record of a line; ``None`` if the line is not a record."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if isinstance(record, dict) and isinstance(record.get("kind"), str) and isinstance(record.get("time"), str):
        return record
    return None


def journal_exists(directory: str) -> bool:
    """Whether a daemon ever wrote to this directory. Raises NotPermittedError."""
    directory_fd = _open_directory(directory)
    if directory_fd is None:
        return False
    try:
        return bool(closed_segments(directory_fd)) or not {CURRENT, HEAD}.isdisjoint(os.listdir(directory_fd))
    finally:
        os.close(directory_fd)


@contextmanager
def opened_segments(directory: str) -> Iterator[tuple[tuple[str, int], ...]]:
    """Every segment's name and descriptor, oldest first, the one being written last.

    All are opened together, and again if the daemon rotated meanwhile, so that reading itself leaves no gap.
    """
    directory_fd = _open_directory(directory)
    if directory_fd is None:
        yield ()
        return
    opened: list[tuple[str, int]] = []
    try:
        for _ in range(_TRIES):
            _close_all(opened)
            opened = _open_all(directory_fd)
            if _identities(directory_fd) == {(os.fstat(fd).st_dev, os.fstat(fd).st_ino) for _, fd in opened}:
                break
        yield tuple(opened)
    except PermissionError as error:
        raise _not_permitted(directory) from error
    finally:
        _close_all(opened)
        os.close(directory_fd)


def _open_directory(directory: str) -> int | None:
    try:
        return os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise _not_permitted(directory) from error
    except NotADirectoryError as error:
        raise UsageError(f"{directory}: is not a directory") from error


def _not_permitted(directory: str) -> NotPermittedError:
    return NotPermittedError(f"{directory}: only root may read the journal: run this as root (sudo watchdog-oom audit)")


def _names(directory_fd: int) -> tuple[str, ...]:
    return (*(segment.name for segment in closed_segments(directory_fd)), CURRENT)


def _open_all(directory_fd: int) -> list[tuple[str, int]]:
    opened = ((name, open_for_reading(directory_fd, name)) for name in _names(directory_fd))
    return [(name, fd) for name, fd in opened if fd is not None]


def _close_all(opened: list[tuple[str, int]]) -> None:
    while opened:
        os.close(opened.pop()[1])


def _identities(directory_fd: int) -> set[tuple[int, int]]:
    found = set()
    for name in _names(directory_fd):
        try:
            status = os.stat(name, dir_fd=directory_fd, follow_symlinks=False)
        except FileNotFoundError:
            continue
        if stat.S_ISREG(status.st_mode):
            found.add((status.st_dev, status.st_ino))
    return found
