"""Reading a recording: the files of a directory, or one that was cut out, from one time to another, in flat memory."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from math import inf

from watchdog_oom.errors import NotPermittedError, UsageError
from watchdog_oom.recorder.decode import DamagedError, Decoder, NewerError
from watchdog_oom.recorder.in_order import in_order, jumps_told
from watchdog_oom.recorder.member import MAGIC, Member, lines, members
from watchdog_oom.recorder.sample import Sample
from watchdog_oom.recorder.segments import HOUR_SECONDS, flight_files, hour_of

_OPEN = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
RING_SECONDS = 120.0  # the ticks before an opening begin a member of their own, and go back less than that
Tell = Callable[[str], None]


def samples(where: str, since: float = -inf, until: float = inf, tell: Tell = lambda _: None) -> Iterator[Sample]:
    """The samples of a directory or a file whose dates are in that span (seconds since the epoch), the earliest first.

    ``tell`` is called with what is wrong with the recording, in words for people: damaged, newer, not a recording,
    the clock set. Reading goes on behind it. Raises NotPermittedError and UsageError where nothing can be opened.
    """
    found = in_order(_as_written(where, since, until, tell))
    for sample in jumps_told(found, lambda at, words: tell(f"{_moment(at)}: {words}")):
        if since <= sample.snapshot.clock.wall <= until:
            yield sample


def covered(where: str) -> tuple[float, float] | None:
    """The times of the first and the last sample; ``None`` if there is none. Raises like ``samples``."""
    names = _files(where)
    first = next((sample for name in names for sample in in_order(_of_file(name, -inf, inf, _ignored))), None)
    for name in reversed(names):
        with _opened(name) as fd:
            for member in reversed(list(members(fd))):
                last = None
                for last in _of_member(fd, name, member, _ignored):  # noqa: B007
                    pass
                if first is not None and last is not None:
                    return first.snapshot.clock.wall, last.snapshot.clock.wall
    return None


def _ignored(_words: str) -> None:
    """Who asks only for the span has been told, or will be."""


def _as_written(where: str, since: float, until: float, tell: Tell) -> Iterator[Sample]:
    first = hour_of(max(0.0, since - HOUR_SECONDS)) if since > -inf else ""
    last = hour_of(max(0.0, until + HOUR_SECONDS)) if until < inf else ""
    for name in _files(where):
        hour = os.path.basename(name)[:len(first or last)]
        if where == name:
            yield from _of_file(name, since, until, tell)
        elif first <= hour and (not last or hour <= last):
            try:
                yield from _of_file(name, since, until, tell)
            except UsageError:
                if os.path.lexists(name):  # else it has just become too old and was removed
                    raise


def _files(where: str) -> list[str]:
    try:
        if not stat.S_ISDIR(os.stat(where).st_mode):
            return [where]
        return [f"{where}/{each.name}" for each in flight_files(os.listdir(where))]
    except OSError as error:
        raise _refused(where, error) from error


def _refused(name: str, error: OSError) -> UsageError | NotPermittedError:
    if error.errno in (errno.EACCES, errno.EPERM):
        return NotPermittedError(f"{name}: {error.strerror}: recordings are for root alone")
    return UsageError(f"{name}: cannot be read: {error.strerror}")


@contextmanager
def _opened(name: str) -> Iterator[int]:
    """A descriptor of a regular file."""
    try:
        fd = os.open(name, _OPEN)
    except OSError as error:
        raise _refused(name, error) from error
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise UsageError(f"{name}: is not a file, so it is no recording")
        yield fd
    finally:
        os.close(fd)


def _of_file(name: str, since: float, until: float, tell: Tell) -> Iterator[Sample]:
    with _opened(name) as fd:
        if os.fstat(fd).st_size == 0:
            tell(f"{name}: is empty")
        elif os.pread(fd, len(MAGIC), 0) != MAGIC and not any(member.wall for member in members(fd)):
            tell(f"{name}: is not a recording of watchdog-oom: no gzip file")
        else:
            for member in _in_span(list(members(fd)), since, until):
                yield from _of_member(fd, name, member, tell)


def _in_span(found: list[Member], since: float, until: float) -> Iterator[Member]:
    """Those in which samples of the span may be; what they say of their time is when they begin."""
    for number, member in enumerate(found):
        ends_before = any(0 < later.wall < since - RING_SECONDS for later in found[number + 1:number + 2])
        if not member.wall or not (ends_before or member.wall > until + RING_SECONDS):
            yield member


def _of_member(fd: int, name: str, member: Member, tell: Tell) -> Iterator[Sample]:
    begun = f" from {_moment(member.wall)}" if member.wall else ""
    place = f"{name}: the part{begun} at byte {member.start}"
    decoder = Decoder()
    told: set[str] = set()
    for line in lines(fd, member, lambda words: tell(f"{place}: {words}")):
        if decoder.snapshot is None and told and not line.startswith(b'{"v":'):
            continue
        try:
            yield decoder.sample(line)
        except (DamagedError, NewerError) as error:
            if str(error) not in told:
                told.add(str(error))
                tell(f"{place}: {error}")


def _moment(wall: float) -> str:
    return datetime.fromtimestamp(wall).strftime("%Y-%m-%d %H:%M:%S")
