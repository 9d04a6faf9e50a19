"""Owns the scan of one spool: sliced by a time budget, so that no spool, however full, delays the loop."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Generator, Iterator
from contextlib import suppress

from watchdog_oom.core.model import Clock, SpoolState
from watchdog_oom.core.nouns import SpoolNoun
from watchdog_oom.host.spools.names import entry_matcher
from watchdog_oom.host.spools.path_safety import SpoolRefusedError, open_spool
from watchdog_oom.host.spools.survey import FILES_A_SLICE, VANISHED, Tally, Terms, survey
from watchdog_oom.lean_dataclasses import dataclass

SLICE_SECONDS = 0.005
RESCAN_SECONDS = 60.0  # what changes deep inside an entry sends no event to the spool's own directory
DIRTY_RESCAN_SECONDS = 2.0
REST_FACTOR = 50  # a scan that cost 1 s of work is followed by 50 s of rest: at most 2 % of a core
RESURVEY_SECONDS = 300.0
MOST_REMEMBERED = 4096  # about 300 bytes each, of locked memory


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What the last walk through a directory entry found; it holds while the directory itself has not changed, and for
    ``RESURVEY_SECONDS``: files deeper inside change unseen, and can only make the entry younger than remembered."""

    stamps: tuple[int, int, int, int]
    surveyed_boottime: float
    youngest_seconds: float
    size_bytes: int

    def age_seconds(self, clock: Clock) -> float:
        """Ages by CLOCK_BOOTTIME since the walk, so that a jump of the date makes nothing stale."""
        return self.youngest_seconds + clock.boottime - self.surveyed_boottime


class SpoolScanner:
    """Scans a spool again and again; ``state`` is the last finished scan's result, ``None`` before the first.

    ``stale`` and ``oldest_seconds`` speak of what a purge could take: plain files and directories of the spool's owner.
    """

    def __init__(self, noun: SpoolNoun) -> None:
        self.noun = noun
        self.state: SpoolState | None = None
        self._is_entry = entry_matcher(noun.entries)
        self._scan: Generator[None, None, None] | None = None
        self._remembered: dict[int, _Verdict] = {}
        self._started_boottime = float("-inf")
        self._cost_seconds = 0.0
        self._dirty = True
        self._clock = Clock(0.0, 0.0)

    @property
    def scanning(self) -> bool:
        return self._scan is not None

    def mark_dirty(self) -> None:
        """Something came, went or was renamed in the spool: scan again soon."""
        self._dirty = True

    def rescan(self) -> None:
        """The spool was purged: what is known of it is wrong, so scan it at the next tick, however lately that was."""
        self.close()
        self._dirty = True
        self._cost_seconds = 0.0
        self._started_boottime = float("-inf")

    def tick(self, clock: Clock, budget_seconds: float = SLICE_SECONDS) -> SpoolState | None:
        """Do a slice of the running scan, or begin one that is due; answers with the state when a scan was finished."""
        self._clock = clock
        if self._scan is None:
            if not self._due(clock.boottime):
                return None
            self._dirty = False
            self._started_boottime = clock.boottime
            self._cost_seconds = 0.0
            self._scan = self._run()
        began = time.monotonic()
        while self._step():
            if time.monotonic() - began >= budget_seconds:
                self._cost_seconds += time.monotonic() - began
                return None
        self._cost_seconds += time.monotonic() - began
        self._scan = None
        return self.state

    def close(self) -> None:
        """Give up a scan under way and what it holds open."""
        if self._scan is not None:
            self._scan.close()
            self._scan = None

    def _due(self, boottime: float) -> bool:
        rest_seconds = max(self._cost_seconds * REST_FACTOR, DIRTY_RESCAN_SECONDS if self._dirty else RESCAN_SECONDS)
        return boottime - self._started_boottime >= rest_seconds

    def _step(self) -> bool:
        return self._scan is not None and next(self._scan, self) is not self

    def _run(self) -> Generator[None, None, None]:
        try:
            spool_fd = open_spool(self.noun.path)
        except SpoolRefusedError as refused:
            self.state = SpoolState(self._clock.boottime, problem=str(refused))
            return
        try:
            yield from self._scan_opened(spool_fd)
        except OSError as error:
            self.state = SpoolState(self._clock.boottime, problem=f"{self.noun.path}: {error.strerror}")
        finally:
            os.close(spool_fd)

    def _scan_opened(self, spool_fd: int) -> Iterator[None]:
        totals = _Totals(self.noun.stale_after_seconds)
        owner_uid = os.fstat(spool_fd).st_uid
        seen: dict[int, _Verdict] = {}
        with os.scandir(spool_fd) as listing:
            for at, found in enumerate(listing):
                if self._is_entry(found.name):
                    yield from self._judge(spool_fd, found.name, owner_uid, totals, seen)
                if at % FILES_A_SLICE == 0:
                    yield
        self._remembered = seen
        room = os.fstatvfs(spool_fd)
        self.state = SpoolState(
            scanned_boottime=self._clock.boottime, entries=totals.entries, stale=totals.stale,
            size_bytes=totals.size_bytes, oldest_seconds=totals.oldest_seconds,
            space_free_bytes=room.f_bavail * room.f_frsize, space_total_bytes=room.f_blocks * room.f_frsize,
            inodes_free=room.f_favail, inodes_total=room.f_files, complete=totals.complete)

    def _judge(self, spool_fd: int, name: str, owner_uid: int, totals: _Totals,
               seen: dict[int, _Verdict]) -> Iterator[None]:
        with suppress(OSError):
            top = os.stat(name, dir_fd=spool_fd, follow_symlinks=False)
            known = self._known(top)
            if known is not None:
                seen[top.st_ino] = known
                totals.count(known.age_seconds(self._clock), known.size_bytes)
                return
        terms = Terms(self._clock, owner_uid)
        tally = Tally(terms)
        yield from survey(spool_fd, name, tally, terms)
        if tally.top is None:
            totals.complete = totals.complete and tally.obstacle == VANISHED
        elif tally.obstacle is not None:
            totals.count(None, tally.size_bytes)
            totals.complete = totals.complete and not stat.S_ISDIR(tally.top.st_mode)
        else:
            totals.count(tally.youngest_seconds, tally.size_bytes)
            if stat.S_ISDIR(tally.top.st_mode) and len(seen) < MOST_REMEMBERED:
                seen[tally.top.st_ino] = _Verdict(_stamps(tally.top), terms.clock.boottime, tally.youngest_seconds,
                                                  tally.size_bytes)

    def _known(self, top: os.stat_result) -> _Verdict | None:
        """What is remembered of an unchanged directory. An entry that would turn stale by growing older is walked once
        more first: nothing is called stale on memory alone."""
        verdict = self._remembered.get(top.st_ino)
        if verdict is None or verdict.stamps != _stamps(top):
            return None
        limit_seconds = self.noun.stale_after_seconds
        turned_stale = verdict.youngest_seconds <= limit_seconds < verdict.age_seconds(self._clock)
        too_old = self._clock.boottime - verdict.surveyed_boottime >= RESURVEY_SECONDS
        return None if turned_stale or too_old else verdict


@dataclass(slots=True)
class _Totals:
    stale_after_seconds: float
    entries: int = 0
    stale: int = 0
    size_bytes: int = 0
    oldest_seconds: float = 0.0
    complete: bool = True

    def count(self, age_seconds: float | None, size_bytes: int) -> None:
        """One entry; without an age where no purge would take it."""
        self.entries += 1
        self.size_bytes += size_bytes
        if age_seconds is None:
            return
        self.stale += age_seconds > self.stale_after_seconds
        self.oldest_seconds = max(self.oldest_seconds, age_seconds)


def _stamps(found: os.stat_result) -> tuple[int, int, int, int]:
    return found.st_dev, found.st_uid, found.st_mtime_ns, found.st_ctime_ns
