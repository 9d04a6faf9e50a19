"""Owns the judgement of one spool entry as a unit: its age, size, users, and what forbids touching it."""

from __future__ import annotations

import bisect
import errno
import os
import stat
from collections.abc import Callable, Iterator

from watchdog_oom.core.model import Clock
from watchdog_oom.host.spools.descent import Descent
from watchdog_oom.lean_dataclasses import dataclass, field

FILES_A_SLICE = 128
STREAMED_LEVELS = 32  # down to this depth a directory's listing is kept open while what is below is walked
MOST_NAMES = 65_536  # of directories yet to be walked, where listings are not kept open: some megabytes
BLOCK_BYTES = 512  # the unit of st_blocks, whatever the filesystem's own is (stat(2))
_NEVER_NS = -(1 << 63)

Used = frozenset[int]
NOBODY: Used = frozenset()

VANISHED = "it is gone"
TOO_MUCH = "it holds more than can be looked at"
TOO_DEEP = "it is deeper than can be looked at"
MOUNTED = "something is mounted inside"
CHANGED = "it changed while it was looked at"
_WORDS = {errno.EXDEV: MOUNTED, errno.ELOOP: CHANGED, errno.ENOTDIR: CHANGED, errno.ENOENT: CHANGED,
          errno.EACCES: "it cannot be read"}


@dataclass(frozen=True, slots=True)
class Terms:
    """By what an entry is judged.

    ``used`` are the inodes of the spool's filesystem that somebody has open; ``owner_uid`` must own the entry and every
    directory in it, ``None`` asks for nobody; ``moved`` says that we renamed the entry, which sets the ctime of the
    entry itself. An entry of more than ``most_inodes``, or deeper than ``most_levels``, is given up; without them none
    is.
    """

    clock: Clock
    owner_uid: int | None = None
    used: Used = NOBODY
    moved: bool = False
    most_inodes: int | None = None
    most_levels: int | None = None
    readings_ns: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        clock = self.clock
        readings = {clock.boottime + offset for offset in (*clock.offsets, clock.wall - clock.boottime)}
        object.__setattr__(self, "readings_ns", tuple(sorted(int(reading * 1e9) for reading in readings)))


class Tally:
    """What a survey found so far. ``obstacle`` says why the entry must stay whatever its age, ``busy`` that somebody
    uses it: either ends the survey early."""

    __slots__ = ("_earliest_ns", "_newest_ns", "_terms", "busy", "inodes", "obstacle", "size_bytes", "top")

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._earliest_ns = terms.readings_ns[0]
        self._newest_ns = [_NEVER_NS] * (len(terms.readings_ns) + 1)
        self.top: os.stat_result | None = None
        self.size_bytes = 0
        self.inodes = 0
        self.obstacle: str | None = None
        self.busy = False

    def add(self, found: os.stat_result, *, with_ctime: bool = True) -> None:
        """Count one inode: its times, its blocks, its users."""
        newest_ns = found.st_mtime_ns
        if with_ctime and found.st_ctime_ns > newest_ns:
            newest_ns = found.st_ctime_ns
        if newest_ns > self._earliest_ns:
            self._stamp(found.st_mtime_ns)
            if with_ctime:
                self._stamp(found.st_ctime_ns)
        elif newest_ns > self._newest_ns[0]:
            self._newest_ns[0] = newest_ns
        self.inodes += 1
        self.size_bytes += found.st_blocks * BLOCK_BYTES
        if found.st_ino in self._terms.used:
            self.busy = True

    def add_files(self, listing: Iterator[os.DirEntry[str]], below: list[str]) -> bool:
        """Count the next files of a directory as ``add`` does, and put its next directories into ``below``; whether
        there may be more. Written out, since this is where a full spool costs its time: about 2 µs a file, most of it
        fstatat(2)."""
        newest_ns, used = self._newest_ns[0], self._terms.used
        blocks = listed = plain = 0
        for entry in listing:
            listed += 1
            if entry.is_dir(follow_symlinks=False):
                below.append(entry.name)
                if listed == FILES_A_SLICE:
                    break
                continue
            found = entry.stat(follow_symlinks=False)
            if found.st_ctime_ns > newest_ns or found.st_mtime_ns > newest_ns or found.st_ino in used:
                self.add(found)
                newest_ns = self._newest_ns[0]
            else:
                blocks += found.st_blocks
                plain += 1
            if listed == FILES_A_SLICE:
                break
        self.size_bytes += blocks * BLOCK_BYTES
        self.inodes += plain
        return listed == FILES_A_SLICE

    def unfit(self) -> bool:
        """Whether the entry stays whatever its age, so that there is no use in looking further."""
        return self.busy or self.obstacle is not None

    @property
    def youngest_seconds(self) -> float:
        """The age of the youngest thing in the entry, itself included: the age of the entry as a unit."""
        age_of_stamp = self._terms.clock.age_of_stamp
        return min((age_of_stamp(stamp_ns / 1e9) for stamp_ns in self._newest_ns if stamp_ns != _NEVER_NS),
                   default=0.0)

    def _stamp(self, stamp_ns: int) -> None:
        """Keep the latest stamp between each two readings of the clocks: there, and only there, later is younger. A
        stamp that one clock takes for the future can be an old one by another."""
        between = bisect.bisect_left(self._terms.readings_ns, stamp_ns)
        self._newest_ns[between] = max(self._newest_ns[between], stamp_ns)


def file_age_seconds(found: os.stat_result, clock: Clock) -> float:
    """The age of a plain file as a unit: that of its youngest stamp."""
    return min(clock.age_of_stamp(found.st_mtime_ns / 1e9), clock.age_of_stamp(found.st_ctime_ns / 1e9))


def survey(base_fd: int, name: str, tally: Tally, terms: Terms) -> Iterator[None]:
    """Walk one entry and fill the tally, yielding every few files so that the caller can pause or give up.

    Never follows a symlink and never enters another mount (Law 7). Errors become obstacles: what cannot be looked at
    cannot be judged, so it stays.
    """
    descent = Descent(base_fd)
    try:
        top = os.stat(name, dir_fd=base_fd, follow_symlinks=False)
        tally.top = top
        tally.obstacle = oddity(top, terms)
        tally.add(top, with_ctime=not terms.moved)
        if stat.S_ISDIR(top.st_mode) and tally.obstacle is None:
            yield from _walk(descent, name, tally, terms)
    except FileNotFoundError:
        tally.obstacle = VANISHED if tally.top is None else _WORDS[errno.ENOENT]
    except OSError as error:
        tally.obstacle = _WORDS.get(error.errno or 0, f"it cannot be read: {error.strerror}")
    finally:
        descent.close()


def oddity(top: os.stat_result, terms: Terms) -> str | None:
    """Why an entry must not be touched, in words; ``None`` for a plain file or directory of the owner."""
    if stat.S_ISLNK(top.st_mode):
        return "it is a symbolic link"
    if not stat.S_ISDIR(top.st_mode) and not stat.S_ISREG(top.st_mode):
        return "it is neither a file nor a directory"
    if terms.owner_uid is not None and top.st_uid != terms.owner_uid:
        return f"it belongs to user {top.st_uid}"
    return None


class _OpenDirectory:
    """One directory on the way down: what of it is still to be listed, and which of its directories to be walked."""

    __slots__ = ("below", "listing")

    def __init__(self, below: list[str], fd: int | None = None) -> None:
        self.below = below
        self.listing = os.scandir(fd) if fd is not None else None

    def list_more(self, tally: Tally) -> int:
        """Count the next files; answers with how many more directories are to be walked."""
        before = len(self.below)
        if self.listing is not None and not tally.add_files(self.listing, self.below):
            self.close()
        return len(self.below) - before

    def close(self) -> None:
        if self.listing is not None:
            self.listing.close()
            self.listing = None


def _walk(descent: Descent, name: str, tally: Tally, terms: Terms) -> Iterator[None]:
    """Directories are walked while their parent is still being listed, so that a million of them are never held at
    once; where that would take too many descriptors the names are held, and their number has a bound."""
    assert tally.top is not None  # noqa: S101 - for the type checker
    device, held = tally.top.st_dev, 1
    levels = [_OpenDirectory([name])]
    try:
        while levels:
            level = levels[-1]
            if level.listing is not None and (not level.below or len(levels) > STREAMED_LEVELS):
                held += level.list_more(tally)
            elif level.below:
                here = descent.enter(level.below.pop())
                held -= 1
                _look_at_directory(here, tally, terms, device, at_top=len(levels) == 1)
                levels.append(_OpenDirectory([], descent.fd))
            else:
                levels.pop()
                if levels:
                    descent.leave()
                continue
            _look_at_bounds(tally, terms, levels=len(levels) - 1, held=held)
            if tally.unfit():
                return
            yield
    finally:
        for level in levels:
            level.close()


def _look_at_bounds(tally: Tally, terms: Terms, *, levels: int, held: int) -> None:
    if held > MOST_NAMES or (terms.most_inodes is not None and tally.inodes > terms.most_inodes):
        tally.obstacle = tally.obstacle or TOO_MUCH
    elif terms.most_levels is not None and levels > terms.most_levels:
        tally.obstacle = tally.obstacle or TOO_DEEP


def _look_at_directory(here: os.stat_result, tally: Tally, terms: Terms, device: int, *, at_top: bool) -> None:
    """Judge a directory by what was really opened. A foreign directory inside would be left half deleted, or its owner
    could have root delete for him, so the whole entry stays."""
    if here.st_dev != device:
        tally.obstacle = MOUNTED
    elif terms.owner_uid is not None and here.st_uid != terms.owner_uid:
        tally.obstacle = f"it holds a directory of user {here.st_uid}"
    elif not at_top:
        tally.add(here)
    elif tally.top is not None and here.st_ino != tally.top.st_ino:
        tally.obstacle = _WORDS[errno.ELOOP]


def exhaust(walk: Iterator[None], alive: Callable[[], None] = lambda: None) -> None:
    """Do all of a survey at once; ``alive`` is called as it goes on."""
    for _ in walk:
        alive()
