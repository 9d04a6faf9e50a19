"""Owns what a purge does to files, as the spool's owner: judge, rename away, judge again, delete (Law 7)."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from contextlib import suppress

from watchdog_oom.core.model import Clock
from watchdog_oom.core.nouns import SpoolNoun
from watchdog_oom.host.purge import lease
from watchdog_oom.host.purge.in_use import NOTHING_IN_USE, InUse
from watchdog_oom.host.purge.judgement import PlainFiles, is_same, judge
from watchdog_oom.host.purge.kept import Kept
from watchdog_oom.host.purge.messages import Cleared, Deleted, PurgeNews
from watchdog_oom.host.purge.settle import Settlement, Taken, found_in
from watchdog_oom.host.purge.trash import Trash, create_trash, leftovers, put_back, take
from watchdog_oom.host.spools.names import entry_matcher
from watchdog_oom.host.spools.survey import BLOCK_BYTES, VANISHED, Terms, Used
from watchdog_oom.lean_dataclasses import dataclass

MOST_ASKED_SECONDS = 0.25
_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True)
class PurgeTask:
    """What one purge has to go by. ``parent_fd`` is the spool's parent where it is on the same mount, ``mounted`` the
    names in the spool that are mount points or hold one, ``mounted_in_trash`` the same with the name of a trash
    directory before each, ``limit`` the most entries to take: none for a purge that only settles what an earlier one
    left. Of ``parts`` that share one purge this is ``part``: the names that fall to it are its alone; ``alone``: it is
    not to be shared. ``alive`` is called as it goes on."""

    noun: SpoolNoun
    spool_fd: int
    parent_fd: int | None
    mounted: frozenset[str]
    limit: int
    offsets: tuple[float, ...] = ()
    in_use: InUse = NOTHING_IN_USE
    parts: int = 1
    part: int = 0
    mounted_in_trash: frozenset[tuple[str, str]] = frozenset()
    alive: Callable[[], None] = lambda: None
    alone: bool = False

    def is_ours(self, name: str) -> bool:
        """Whether the name falls to this part. All parts are forks of one process, so they hash alike."""
        return hash(name) % self.parts == self.part


class PurgeWorker:
    """One run over one spool: first ``clear``, then ``delete``, with a second look at who uses what between them."""

    def __init__(self, order: PurgeTask) -> None:
        self._order = order
        found = os.fstat(order.spool_fd)
        self._inode = found.st_ino
        self._owner_uid = found.st_uid
        self._trash: Trash | None = None
        self._trash_in_spool = order.parent_fd is None
        self._leftovers: list[Trash] | None = None if order.part == 0 else []
        self._taken: list[Taken] = []
        self._kept = Kept(self._owner_uid)
        self._settlement = Settlement(order.spool_fd, self._owner_uid, order.noun.stale_after_seconds,
                                      order.mounted_in_trash, order.alive)
        self._asked_seconds = 0.0

    def adopt_leftovers(self) -> None:
        """Open the trash of a purge that was killed, before there is trash of our own."""
        if self._leftovers is not None:
            return
        self._leftovers = []
        for fd in (self._order.parent_fd, self._order.spool_fd):
            if fd is not None:
                with suppress(OSError):
                    self._leftovers.extend(leftovers(fd, self._inode))

    def clear(self) -> Cleared:
        """Rename every stale, free, plain entry into the trash."""
        self.adopt_leftovers()
        limited = self._order.limit > 0 and self._clear_up_to_the_limit()
        renamed = len(self._taken) + self._settlement.entries
        self._taken.extend(found_in(self._leftovers or ()))
        return Cleared(renamed, limited=limited, unseen=self._order.in_use.unseen,
                       stale_after_seconds=float(self._order.noun.stale_after_seconds),
                       other=tuple(self._kept.examples), **self._kept.counts)

    def _clear_up_to_the_limit(self) -> bool:
        is_entry = entry_matcher(self._order.noun.entries)
        terms = self._terms(self._order.in_use.inodes)
        plain_files = PlainFiles(terms, self._order.noun.stale_after_seconds)
        with os.scandir(self._order.spool_fd) as listing:
            for found in listing:
                if not is_entry(found.name) or not self._order.is_ours(found.name):
                    continue
                if len(self._taken) + self._settlement.entries >= self._order.limit:
                    return True
                self._order.alive()
                if found.name in self._order.mounted:
                    self._kept.count("kept_mounted")
                elif not self._taken_at_once(found, plain_files):
                    self._consider(found.name, terms)
        return False

    def delete(self, in_use: InUse) -> Deleted:
        """Delete what is in the trash and still stale and free; put back the rest."""
        deleted = self._settlement.settle(self._taken, self._terms(in_use.inodes, moved=True), sure=not in_use.unseen)
        for trash in (self._trash, *(self._leftovers or ())):
            if trash is not None:
                trash.close()
        return deleted

    def _terms(self, used: Used, *, moved: bool = False) -> Terms:
        boottime = time.clock_gettime(time.CLOCK_BOOTTIME)
        return Terms(Clock(time.time(), boottime, offsets=self._order.offsets), self._owner_uid, used, moved)

    def _taken_at_once(self, entry: os.DirEntry[str], plain_files: PlainFiles) -> bool:
        """The short way, for a stale plain file; whether that was the end of it. Any doubt is left to the long one."""
        try:
            if not entry.is_file(follow_symlinks=False):
                return False
            found = entry.stat(follow_symlinks=False)
        except OSError:
            return False
        if not plain_files.stale_and_free(found) or (self._order.in_use.unseen and not self._may_be_taken(entry.name)):
            return False
        self._take(entry.name, found, found.st_blocks * BLOCK_BYTES)
        return True

    def _consider(self, name: str, terms: Terms) -> None:
        """Judge one entry of the spool, never from memory, and take it if it is stale, free and plain."""
        tally = judge(self._order.spool_fd, name, terms, self._order.alive)
        if tally.obstacle == VANISHED:
            return
        if tally.busy:
            self._kept.count("kept_busy")
        elif tally.obstacle is not None or tally.top is None:
            self._kept.judged(name, tally)
        elif tally.youngest_seconds <= self._order.noun.stale_after_seconds:
            self._kept.count("kept_fresh")
        elif self._order.in_use.unseen and not self._may_be_taken(name):
            self._kept.count("kept_unsure")
        else:
            self._take(name, tally.top, tally.size_bytes)

    def _may_be_taken(self, name: str) -> bool:
        """If not all processes could be read: whether the kernel says that the entry is free. Asking would keep
        services down too long in a full spool; then it is asked only before the deletion, and entries in use are put
        back."""
        if self._asked_seconds > MOST_ASKED_SECONDS:
            return True
        began = time.monotonic()
        free = lease.free(self._order.spool_fd, name)
        self._asked_seconds += time.monotonic() - began
        return free

    def _take(self, name: str, judged: os.stat_result, size_bytes: int) -> None:
        """Rename a judged entry away, and back again if something else had its name by then."""
        try:
            trash = self._trash_for_use()
            found = take(name, self._order.spool_fd, trash)
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno in _FULL:  # no trash directory can be made or grow; one entry deleted makes room for it
                self._settlement.delete_now(self._order.spool_fd, name, size_bytes)
            elif error.errno == errno.EXDEV and not self._trash_in_spool:
                self._move_trash_into_spool()
                self._take(name, judged, size_bytes)
            else:
                self._kept.note(name, f"it cannot be renamed: {error.strerror}")
            return
        if is_same(found, judged):
            self._taken.append(Taken(name, trash, found))
        elif put_back(name, self._order.spool_fd, trash):
            self._kept.count("kept_changed")
        else:
            self._settlement.removal.note(name, "it changed, and its name in the spool is taken")

    def _trash_for_use(self) -> Trash:
        """The trash directory: beside the spool where its owner may write there, so that nobody who walks through the
        spool meets it; else inside."""
        if self._trash is None and not self._trash_in_spool and self._order.parent_fd is not None:
            try:
                self._trash = create_trash(self._order.parent_fd, self._inode)
            except OSError as error:
                if error.errno in _FULL:
                    raise
                self._trash_in_spool = True
        if self._trash is None:
            self._trash = create_trash(self._order.spool_fd, self._inode)
        return self._trash

    def _move_trash_into_spool(self) -> None:
        if self._trash is not None:
            self._trash.close()
            self._trash = None
        self._trash_in_spool = True


def run(order: PurgeTask, tell: Callable[[PurgeNews], None], look_again: Callable[[], InUse]) -> None:
    """The whole purge. ``look_again`` asks who uses what by then. Raises OSError where the spool cannot be read."""
    worker = PurgeWorker(order)
    tell(worker.clear())
    tell(worker.delete(look_again()))
