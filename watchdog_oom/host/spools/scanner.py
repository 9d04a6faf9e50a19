"""Owns the scan of one spool: in slices of a time budget, with figures to tell before it is through."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Generator, Iterator

from watchdog_oom.core.model import Clock, SpoolState
from watchdog_oom.core.nouns import SpoolNoun
from watchdog_oom.host.spools.names import entry_matcher
from watchdog_oom.host.spools.path_safety import SpoolRefusedError, open_spool
from watchdog_oom.host.spools.survey import (
    BLOCK_BYTES,
    FILES_A_SLICE,
    MOUNTED,
    TOO_DEEP,
    TOO_MUCH,
    VANISHED,
    Tally,
    Terms,
    file_age_seconds,
    survey,
)
from watchdog_oom.host.spools.totals import Totals
from watchdog_oom.lean_dataclasses import dataclass

SLICE_SECONDS = 0.02
RESCAN_SECONDS = 60.0  # what changes deep inside an entry sends no event to the spool's own directory
DIRTY_RESCAN_SECONDS = 2.0
REST_FACTOR = 20  # a scan that cost 1 s of work is followed by 20 s of rest: at most 5 % of a core, but for the longest
LONGEST_REST_SECONDS = 120.0
RESURVEY_SECONDS = 300.0
MOST_REMEMBERED = 16_384  # about 300 bytes each
SOON_INODES, SOON_LEVELS = 20_000, 1_000  # what is larger is walked when all other entries were
MOST_INODES, MOST_LEVELS = 500_000, 4_096  # what is larger still is counted, and its age and size are not known
MOST_PUT_OFF = 256
_TOO_LARGE = (TOO_MUCH, TOO_DEEP)


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What the last walk through a directory entry found; it holds while the directory itself has not changed, and for
    ``RESURVEY_SECONDS``: files deeper inside change unseen, and can only make the entry younger than remembered. An
    entry that was too large for its age to be known has no ``youngest_seconds`` and says why."""

    stamps: tuple[int, int, int, int]
    surveyed_boottime: float
    youngest_seconds: float | None
    size_bytes: int
    gap: str | None = None

    def age_seconds(self, clock: Clock) -> float | None:
        """Ages by CLOCK_BOOTTIME since the walk, so that a jump of the date makes nothing stale."""
        if self.youngest_seconds is None:
            return None
        return self.youngest_seconds + clock.boottime - self.surveyed_boottime


def _no_mounts(_: str) -> frozenset[str]:
    return frozenset()


class SpoolScanner:
    """Scans a spool again and again; ``state`` is the last finished scan's result, ``None`` before the first.

    ``stale`` and ``oldest_seconds`` speak of what a purge could take: plain files and directories of the spool's owner.
    ``mounts`` answers with the names in a directory on which or in which something is mounted: a look at such an entry
    may never come back, so it is counted and left alone.
    """

    def __init__(self, noun: SpoolNoun, mounts: Callable[[str], frozenset[str]] = _no_mounts) -> None:
        self.noun = noun
        self.state: SpoolState | None = None
        self.started_boottime = float("-inf")
        self.cost_seconds = 0.0
        self.at_once = True
        self._mounts = mounts
        self._is_entry = entry_matcher(noun.entries)
        self._scan: Generator[None, None, None] | None = None
        self._totals = Totals(noun.stale_after_seconds)
        self._remembered: dict[int, _Verdict] = {}
        self._dirty = True
        self._clock = Clock(0.0, 0.0)

    @property
    def scanning(self) -> bool:
        return self._scan is not None

    def mark_dirty(self) -> None:
        """Something came, went or was renamed in the spool: scan again soon."""
        self._dirty = True

    def rescan(self) -> None:
        """The spool was purged: what is known of it is wrong, so scan it at the next tick, however recent the last
        scan."""
        self.close()
        self._dirty = self.at_once = True

    def tick(self, clock: Clock, budget_seconds: float = SLICE_SECONDS) -> SpoolState | None:
        """Do a slice of the running scan, or begin one that is due; answers with the state when a scan was finished."""
        self._clock = clock
        if self._scan is None:
            if self.due_seconds(clock.boottime) > 0:
                return None
            self._dirty = False
            self.started_boottime = clock.boottime
            self.cost_seconds = 0.0
            self._scan = self._run()
        began = time.monotonic()
        while (under_way := next(self._scan, self) is not self) and time.monotonic() - began < budget_seconds:
            pass
        self.cost_seconds += time.monotonic() - began
        if under_way:
            return None
        self._scan = None
        self.at_once = False
        return self.state

    def partial(self) -> SpoolState:
        """What the scan under way knows by now."""
        return self._totals.state(self.started_boottime, finished=False)

    def close(self) -> None:
        """Give up a scan under way and what it holds open."""
        if self._scan is not None:
            self._scan.close()
            self._scan = None

    def due_seconds(self, boottime: float) -> float:
        """In how many seconds the next scan is due."""
        if self.at_once:
            return 0.0
        rest_seconds = max(min(self.cost_seconds * REST_FACTOR, LONGEST_REST_SECONDS),
                           DIRTY_RESCAN_SECONDS if self._dirty else RESCAN_SECONDS)
        return max(0.0, self.started_boottime + rest_seconds - boottime)

    def _run(self) -> Generator[None, None, None]:
        self._totals = Totals(self.noun.stale_after_seconds)
        try:
            spool_fd = open_spool(self.noun.path)
        except SpoolRefusedError as refused:
            self.state = SpoolState(self.started_boottime, problem=str(refused))
            return
        try:
            yield from self._scan_opened(spool_fd)
        except OSError as error:
            self.state = SpoolState(self.started_boottime, problem=f"{self.noun.path}: {error.strerror}")
        finally:
            os.close(spool_fd)

    def _scan_opened(self, spool_fd: int) -> Iterator[None]:
        """First how many entries there are, then what they are; the largest last, so that they hide nothing."""
        totals, seen = self._totals, dict[int, _Verdict]()
        totals.room = os.fstatvfs(spool_fd)
        for name in self._entries(spool_fd):
            totals.listed += name is not None
            if name is None:
                yield
        owner_uid = os.fstat(spool_fd).st_uid
        put_off: list[str] = []
        for name in self._entries(spool_fd):
            if name is None:
                yield
            elif not (yield from self._judge(spool_fd, name, owner_uid, seen, soon=len(put_off) < MOST_PUT_OFF)):
                put_off.append(name)
        for name in put_off:
            yield from self._judge(spool_fd, name, owner_uid, seen, soon=False)
        self._remembered = seen
        totals.room = os.fstatvfs(spool_fd)
        totals.listed = 0  # entries that came and went meanwhile: what was judged counts
        self.state = totals.state(self.started_boottime, finished=True)

    def _entries(self, spool_fd: int) -> Iterator[str | None]:
        """The names of the spool's entries, with ``None`` after every few names looked at."""
        with os.scandir(spool_fd) as listing:
            for at, found in enumerate(listing, 1):
                if self._is_entry(found.name):
                    yield found.name
                if at % FILES_A_SLICE == 0:
                    yield None

    def _judge(self, spool_fd: int, name: str, owner_uid: int, seen: dict[int, _Verdict], *,
               soon: bool) -> Generator[None, None, bool]:
        """Count one entry; ``False`` where it is so large that it should be walked after all others."""
        if name in self._mounts(self.noun.path):
            self._totals.count(None, 0, f"{name}: {MOUNTED}")
            return True
        try:
            top = os.stat(name, dir_fd=spool_fd, follow_symlinks=False)
        except FileNotFoundError:
            return True
        except OSError as error:
            self._totals.gap(f"{name}: {error.strerror}")
            return True
        known = self._known(top)
        if known is not None:
            seen[top.st_ino] = known
            self._totals.count(known.age_seconds(self._clock), known.size_bytes, known.gap)
            return True
        if not stat.S_ISDIR(top.st_mode):
            plain = stat.S_ISREG(top.st_mode) and top.st_uid == owner_uid
            self._totals.count(file_age_seconds(top, self._clock) if plain else None, top.st_blocks * BLOCK_BYTES)
            return True
        terms = Terms(self._clock, owner_uid, most_inodes=SOON_INODES if soon else MOST_INODES,
                      most_levels=SOON_LEVELS if soon else MOST_LEVELS)
        tally = Tally(terms)
        yield from survey(spool_fd, name, tally, terms)
        if soon and tally.obstacle in _TOO_LARGE:
            return False
        self._note(name, tally, seen)
        return True

    def _note(self, name: str, tally: Tally, seen: dict[int, _Verdict]) -> None:
        top, obstacle = tally.top, tally.obstacle
        if top is None:
            if obstacle != VANISHED:
                self._totals.gap(f"{name}: {obstacle}")
            return
        gap = f"{name}: {obstacle}" if obstacle is not None else None
        age_seconds = tally.youngest_seconds if obstacle is None else None
        self._totals.count(age_seconds, tally.size_bytes, gap)
        worth_remembering = obstacle is None or obstacle in _TOO_LARGE
        if worth_remembering and len(seen) < MOST_REMEMBERED:
            seen[top.st_ino] = _Verdict(_stamps(top), self._clock.boottime, age_seconds, tally.size_bytes, gap)

    def _known(self, top: os.stat_result) -> _Verdict | None:
        """What is remembered of an unchanged directory. An entry that would turn stale by growing older is walked once
        more first: nothing is called stale on memory alone."""
        verdict = self._remembered.get(top.st_ino)
        if verdict is None or verdict.stamps != _stamps(top):
            return None
        if self._clock.boottime - verdict.surveyed_boottime >= RESURVEY_SECONDS:
            return None
        youngest, age, limit = verdict.youngest_seconds, verdict.age_seconds(self._clock), self.noun.stale_after_seconds
        turned_stale = youngest is not None and age is not None and youngest <= limit < age
        return None if turned_stale else verdict


def _stamps(found: os.stat_result) -> tuple[int, int, int, int]:
    return found.st_dev, found.st_uid, found.st_mtime_ns, found.st_ctime_ns
