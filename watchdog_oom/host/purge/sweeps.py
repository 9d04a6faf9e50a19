"""Finishes what purges left behind: trash that a stop, a crash or SIGKILL kept from being deleted (Law 5).

Trash is found by name in the spools of the policy: when the daemon starts, when a spool is new, after a purge that did
not end well, and again every hour for as long as something stands there. A child looks, and another one settles it:
each entry is judged anew, and deleted or put back; nothing is taken from the spool.
"""

from __future__ import annotations

import select
from collections.abc import Collection, Mapping
from contextlib import suppress

from watchdog_oom.core.model import Clock
from watchdog_oom.core.nouns import SpoolNoun
from watchdog_oom.core.outcome import Outcome
from watchdog_oom.host.purge.job import PurgeJob, start_purge
from watchdog_oom.host.purge.messages import Deleted, Failed, Remaining
from watchdog_oom.host.purge.supervisor import PurgeRequest
from watchdog_oom.lean_dataclasses import dataclass, replace

SOON_SECONDS = 30.0
LATER_SECONDS = 3600.0
_SEARCH_SECONDS = 60.0
_SWEEP_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class SweepNote:
    """For the journal: that a sweep begins and why (``outcome`` is ``None`` then), or what came of it."""

    id: str
    spool: str
    because: str = ""
    outcome: Outcome | None = None


@dataclass(slots=True)
class _RunningSweep:
    job: PurgeJob
    spool: str
    id: str
    searching: bool
    end_by: float
    remaining: Remaining = Remaining(0)
    outcome: Outcome = Outcome(False, "it was given up")


class Sweeps:
    """One child at a time, for one spool at a time; ``remaining`` says by spool what is still to be deleted."""

    def __init__(self, epoll: select.epoll, proc: str) -> None:
        self._epoll = epoll
        self._proc = proc
        self.remaining: dict[str, Remaining] = {}
        self._due: dict[str, float] = {}
        self._known: dict[str, str] = {}
        self._running: _RunningSweep | None = None
        self._dying: list[PurgeJob] = []

    def tend(self, nouns: Mapping[str, SpoolNoun], busy: Collection[str], clock: Clock, *,
             act: bool) -> tuple[SweepNote, ...]:
        """To be called every now and then. Where we may not ``act``, it is only found out what there is."""
        now = clock.boottime
        self._dying = [job for job in self._dying if not job.let_go()]
        self._learn(nouns, now)
        if self._running is not None:
            return self._follow(self._running, nouns, clock, act=act)
        due = next((name for name, at in self._due.items() if at <= now and name not in busy and name in nouns), None)
        if due is not None:
            self._start(nouns[due], clock, searching=True)
        return ()

    def purged(self, spool: str, now: float, *, failed: bool) -> None:
        """A purge of the spool has ended: it has settled what was there, unless it failed."""
        self.remaining.pop(spool, None)
        if failed:
            self._due[spool] = now + SOON_SECONDS

    def left(self, spool: str, remaining: Remaining, now: float) -> None:
        """The purge says that something stands there all the same."""
        self.remaining[spool] = remaining
        self._due.setdefault(spool, now + LATER_SECONDS)

    def give_way(self, spool: str) -> None:
        """A purge of the spool begins: it settles what is left there itself."""
        if self._running is not None and self._running.spool == spool:
            self._stop(self._running)
        self._due.pop(spool, None)

    def close(self) -> None:
        for job in (*self._dying, *(() if self._running is None else (self._running.job,))):
            job.close()
        self._running = None

    def _learn(self, nouns: Mapping[str, SpoolNoun], now: float) -> None:
        for name, noun in nouns.items():
            if self._known.get(name) != noun.path:
                self._known[name] = noun.path
                self._due[name] = now
        for name in [name for name in self._known if name not in nouns]:
            for table in (self._known, self._due, self.remaining):
                table.pop(name, None)

    def _start(self, noun: SpoolNoun, clock: Clock, *, searching: bool) -> SweepNote | None:
        self._due[noun.name] = clock.boottime + LATER_SECONDS
        request = PurgeRequest(noun, 0, (*clock.offsets, clock.wall - clock.boottime), self._proc, search=searching)
        try:
            job = start_purge(request)
        except OSError:
            return None  # no child to be had: later
        self._epoll.register(job.fileno(), select.EPOLLIN)
        seconds = _SEARCH_SECONDS if searching else _SWEEP_SECONDS
        identity = f"sweep-{noun.name}-{clock.wall:.0f}"
        self._running = _RunningSweep(job, noun.name, identity, searching, clock.boottime + seconds)
        return SweepNote(identity, noun.name, f"an earlier purge left {self.remaining.get(noun.name, Remaining(0))}")

    def _follow(self, running: _RunningSweep, nouns: Mapping[str, SpoolNoun], clock: Clock, *,
                act: bool) -> tuple[SweepNote, ...]:
        for news in running.job.poll():
            if isinstance(news, Remaining):
                running.remaining = news
            elif isinstance(news, Deleted | Failed):
                running.outcome = Outcome(isinstance(news, Deleted), str(news))
        if not running.job.done and clock.boottime < running.end_by:
            return ()
        self._stop(running)
        if running.remaining.entries:
            self.remaining[running.spool] = running.remaining
        elif running.outcome.ok:
            self.remaining.pop(running.spool, None)
            self._due.pop(running.spool, None)
        if not running.searching:
            left = f"; {running.remaining}" if running.remaining.entries else ""
            outcome = replace(running.outcome, words=f"{running.outcome.words}{left}")
            return (SweepNote(running.id, running.spool, outcome=outcome),)
        if running.remaining.entries and act and running.spool in nouns:
            begun = self._start(nouns[running.spool], clock, searching=False)
            return () if begun is None else (begun,)
        return ()

    def _stop(self, running: _RunningSweep) -> None:
        with suppress(OSError):
            self._epoll.unregister(running.job.fileno())
        self._dying.append(running.job)
        self._running = None
