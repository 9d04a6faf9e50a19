"""Owns the second half of a purge: what lies in the trash is judged again, and deleted or put back (Law 7)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress

from watchdog_oom.host.purge import lease
from watchdog_oom.host.purge.delete_tree import Removal, remove, remove_file
from watchdog_oom.host.purge.judgement import PlainFiles, is_same, judge
from watchdog_oom.host.purge.messages import Deleted, example
from watchdog_oom.host.purge.trash import Trash, put_back
from watchdog_oom.host.spools.survey import BLOCK_BYTES, VANISHED, Terms
from watchdog_oom.lean_dataclasses import dataclass


@dataclass(slots=True)
class Taken:
    """An entry in the trash, as it was right after the rename; leftovers of an earlier purge have no such memory."""

    name: str
    trash: Trash
    found: os.stat_result | None


class Settlement:
    """Deletes or puts back what was taken, and counts. ``mounted`` are names of trash directories and of entries in
    them on which, or in which, something is mounted."""

    def __init__(self, spool_fd: int, owner_uid: int, stale_after_seconds: float,
                 mounted: frozenset[tuple[str, str]], alive: Callable[[], None]) -> None:
        self._spool_fd = spool_fd
        self._owner_uid = owner_uid
        self._stale_after_seconds = stale_after_seconds
        self._mounted = mounted
        self._alive = alive
        self.removal = Removal(alive=alive)
        self.entries = 0
        self._bytes = 0

    def settle(self, everything: Iterable[Taken], terms: Terms, *, sure: bool) -> Deleted:
        """``sure`` says that it is known of every process what it uses; otherwise the kernel is asked file by file."""
        plain_files = PlainFiles(terms, self._stale_after_seconds)
        restored = 0
        for taken in everything:
            if not self._deleted_at_once(taken, plain_files, sure=sure):
                restored += self._settle(taken, terms, sure=sure)
        removal = self.removal
        return Deleted(self.entries, removal.files, self._bytes, restored, removal.left_count,
                       tuple(example(path, why) for path, why in removal.left))

    def delete_now(self, base_fd: int, name: str, size_bytes: int) -> None:
        """Delete what was just judged."""
        if remove(base_fd, name, self._owner_uid, self.removal):
            self.entries += 1
            self._bytes += size_bytes

    def _deleted_at_once(self, taken: Taken, plain_files: PlainFiles, *, sure: bool) -> bool:
        """The short way, for a plain file that is what it was; any doubt is left to the long one."""
        self._alive()
        if taken.found is None or (self._mounted and (taken.trash.name, taken.name) in self._mounted):
            return False
        try:
            found = os.stat(taken.name, dir_fd=taken.trash.fd, follow_symlinks=False)
        except OSError:
            return False
        if (not plain_files.stale_and_free(found) or not is_same(found, taken.found, with_ctime=True)
                or not (sure or lease.free(taken.trash.fd, taken.name))):
            return False
        if remove_file(taken.trash.fd, taken.name, self.removal):
            self.entries += 1
            self._bytes += found.st_blocks * BLOCK_BYTES
        return True

    def _settle(self, taken: Taken, terms: Terms, *, sure: bool) -> bool:
        """Delete one entry of the trash if it is what it was; whether it was put back instead."""
        if (taken.trash.name, taken.name) in self._mounted:
            self.removal.note(taken.name, "something is mounted on it or inside")
            return False
        tally = judge(taken.trash.fd, taken.name, terms, self._alive)
        if tally.obstacle == VANISHED or tally.top is None:
            return False
        stale = tally.youngest_seconds > self._stale_after_seconds
        unchanged = taken.found is None or is_same(tally.top, taken.found, with_ctime=True)
        unused = not tally.busy and (sure or lease.free(taken.trash.fd, taken.name))
        if tally.obstacle is None and stale and unchanged and unused:
            self.delete_now(taken.trash.fd, taken.name, tally.size_bytes)
            return False
        if put_back(taken.name, self._spool_fd, taken.trash):
            return True
        self.removal.note(taken.name, "it is in use or changed, and its name in the spool is taken")
        return False


def found_in(leftovers: Iterable[Trash]) -> Iterable[Taken]:
    """What a killed purge had renamed is settled like what this one renamed: judged anew, deleted or put back."""
    for trash in leftovers:
        with suppress(OSError):
            yield from [Taken(name, trash, None) for name in os.listdir(trash.fd)]
