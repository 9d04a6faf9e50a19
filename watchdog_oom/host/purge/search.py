"""Finds what purges left behind: trash that a stop, a crash or SIGKILL kept from being deleted (Law 5).

What the daemon before this one was purging is known from its state. All other trash is found by name in the spools of
the policy: when the daemon starts, since the state may be lost, when a spool is new, after a purge that did not end
well, and again every hour for as long as something is left. A child looks, since listing a directory may take long;
whether a purge is asked to finish it is the loop's business.
"""

from __future__ import annotations

import select
from collections.abc import Collection, Mapping
from contextlib import suppress

from watchdog_oom.core.model import Clock
from watchdog_oom.core.nouns import SpoolNoun
from watchdog_oom.host.purge.job import PurgeJob, start_purge
from watchdog_oom.host.purge.messages import Failed, Remaining
from watchdog_oom.host.purge.request import PurgeRequest
from watchdog_oom.lean_dataclasses import dataclass

SOON_SECONDS = 30.0
LATER_SECONDS = 3600.0
_LONGEST_SECONDS = 60.0


@dataclass(slots=True)
class _RunningSearch:
    job: PurgeJob
    spool: str
    end_by: float
    remaining: Remaining = Remaining(0)
    failed: bool = False


class TrashSearch:
    """One child at a time, for one spool at a time; ``remaining`` says by spool what is still to be deleted."""

    def __init__(self, epoll: select.epoll, proc: str) -> None:
        self._epoll = epoll
        self._proc = proc
        self.remaining: dict[str, Remaining] = {}
        self._owed: dict[str, str] = {}
        self._due: dict[str, float] = {}
        self._known: dict[str, str] = {}
        self._running: _RunningSearch | None = None
        self._ending: list[PurgeJob] = []

    def inherit(self, paths: Mapping[str, str]) -> None:
        """The paths, by name, of spools whose purge was cut short with the daemon before."""
        self._owed = dict(paths)

    def tend(self, nouns: Mapping[str, SpoolNoun], busy: Collection[str], clock: Clock) -> tuple[str, ...]:
        """To be called every now and then: the spools in which something is known to be left, or was just found. Those
        that are ``busy`` with a purge are looked at after it."""
        owed = tuple(name for name in self._owed if name in nouns and name not in busy)
        for name in owed:
            del self._owed[name]
        return (*owed, *self._look(nouns, (*busy, *owed), clock.boottime))

    def _look(self, nouns: Mapping[str, SpoolNoun], busy: Collection[str], now: float) -> tuple[str, ...]:
        self._ending = [job for job in self._ending if not job.let_go()]
        self._learn(nouns, now)
        if self._running is not None:
            return self._follow(self._running, now)
        due = next((name for name, at in self._due.items() if at <= now and name not in busy), None)
        if due is not None:
            self._start(nouns[due], now)
        return ()

    def purge_begins(self, spool: str) -> None:
        """It settles what is left there itself."""
        if self._running is not None and self._running.spool == spool:
            self._stop(self._running)
        self._due.pop(spool, None)

    def purge_ended(self, spool: str, now: float, *, failed: bool) -> None:
        """It has settled what was there, unless it failed."""
        self.remaining.pop(spool, None)
        if failed:
            self._due[spool] = now + SOON_SECONDS

    def purge_left(self, spool: str, remaining: Remaining, now: float) -> None:
        """It reports that something is left nevertheless."""
        self.remaining[spool] = remaining
        self._due.setdefault(spool, now + LATER_SECONDS)

    def paths(self) -> dict[str, str]:
        """The paths, by name, of the spools with something left."""
        return self._owed | {name: self._known[name] for name in self.remaining if name in self._known}

    def close(self) -> None:
        for job in (*self._ending, *(() if self._running is None else (self._running.job,))):
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

    def _start(self, noun: SpoolNoun, now: float) -> None:
        self._due[noun.name] = now + LATER_SECONDS
        try:
            job = start_purge(PurgeRequest(noun, 0, (), self._proc, search=True))
        except OSError:
            return  # no child to be had: later
        self._epoll.register(job.fileno(), select.EPOLLIN)
        self._running = _RunningSearch(job, noun.name, now + _LONGEST_SECONDS)

    def _follow(self, running: _RunningSearch, now: float) -> tuple[str, ...]:
        for news in running.job.poll():
            if isinstance(news, Remaining):
                running.remaining = news
            running.failed = running.failed or isinstance(news, Failed)
        if not running.job.done and now < running.end_by:
            return ()
        self._stop(running)
        if running.spool not in self._known:
            return ()  # it left the policy meanwhile
        if running.remaining.entries:
            self.remaining[running.spool] = running.remaining
            return (running.spool,)
        if running.job.done and not running.failed:
            self.remaining.pop(running.spool, None)
            self._due.pop(running.spool, None)
        return ()

    def _stop(self, running: _RunningSearch) -> None:
        with suppress(OSError):
            self._epoll.unregister(running.job.fileno())
        self._ending.append(running.job)
        self._running = None
