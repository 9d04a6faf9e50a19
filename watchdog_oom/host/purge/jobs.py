"""The purges under way: "cleared" is what a recovery waits for, the deletion goes on behind it."""

from __future__ import annotations

import select
from collections.abc import Mapping

from watchdog_oom.core.model import Clock
from watchdog_oom.core.nouns import SpoolNoun
from watchdog_oom.core.outcome import EffectReport, Outcome
from watchdog_oom.host.purge.job import PurgeJob, start_purge
from watchdog_oom.host.purge.messages import Cleared, Deleted, Failed, PurgeNews, Remaining
from watchdog_oom.host.purge.supervisor import WITHIN_SECONDS, PurgeRequest
from watchdog_oom.host.purge.sweeps import SweepNote, Sweeps
from watchdog_oom.lean_dataclasses import dataclass

_GRACE_SECONDS = 60.0  # how much longer than its deadline a purge may take to say anything at all


@dataclass(slots=True)
class _RunningPurge:
    job: PurgeJob
    spool: str
    path: str
    began: float
    clear_by: float
    reported: bool = False


@dataclass(frozen=True, slots=True)
class PurgeNote:
    """What a purge did after its report; ``intent_id`` is whose purge it is."""

    intent_id: str
    outcome: Outcome


class PurgeJobs:
    """Register ``fileno()`` for reading; ``poll`` gives the reports, ``news`` what happened after them."""

    def __init__(self, proc: str = "/proc") -> None:
        self._proc = proc
        self._epoll = select.epoll()
        self._running: dict[str, _RunningPurge] = {}
        self._given_up: list[PurgeJob] = []
        self._failed: list[EffectReport] = []
        self._news: list[PurgeNote] = []
        self._sweeps = Sweeps(self._epoll, proc)

    def fileno(self) -> int:
        return self._epoll.fileno()

    @property
    def purging(self) -> dict[str, str]:
        """The paths of the spools, by name, in whose trash something may still lie."""
        return {running.spool: running.path for running in self._running.values()}

    @property
    def remaining(self) -> Mapping[str, Remaining]:
        """By spool, what stands in trash directories and is still to be deleted."""
        return self._sweeps.remaining

    def start(self, intent_id: str, noun: SpoolNoun, limit: int, clock: Clock,
              within_seconds: float = WITHIN_SECONDS) -> None:
        """Begin a purge. One spool is never purged twice at the same time: the second would fail over the first."""
        if any(running.spool == noun.name for running in self._running.values()):
            self._report_failure(intent_id, clock.boottime, "an earlier purge of this spool is still deleting")
            return
        self._sweeps.give_way(noun.name)
        request = PurgeRequest(noun, limit, (*clock.offsets, clock.wall - clock.boottime), self._proc, within_seconds)
        try:
            job = start_purge(request)
        except OSError as error:
            self._report_failure(intent_id, clock.boottime, f"no child process for the purge: {error.strerror}")
            return
        self._epoll.register(job.fileno(), select.EPOLLIN)
        self._running[intent_id] = _RunningPurge(job, noun.name, noun.path, clock.boottime,
                                                 clock.boottime + within_seconds)

    def poll(self, now: float) -> tuple[EffectReport, ...]:
        """A report for each purge whose spool was cleared, or which failed before that."""
        reports, self._failed = self._failed, []
        for intent_id, running in list(self._running.items()):
            overdue = not running.reported and now > running.clear_by + _GRACE_SECONDS
            told = running.job.poll()
            if overdue and not told:
                told = (Failed("the purge was given up: it did not even say that it could not be done in time"),)
            for news in told:
                report = self._take(intent_id, running, news, now)
                if report is not None:
                    reports.append(report)
            if running.job.done or overdue:
                self._epoll.unregister(running.job.fileno())
                self._given_up.append(running.job)
                del self._running[intent_id]
        self._given_up = [job for job in self._given_up if not job.let_go()]
        return tuple(reports)

    def tend(self, nouns: Mapping[str, SpoolNoun], clock: Clock, *, act: bool) -> tuple[SweepNote, ...]:
        """Look for what earlier purges left in these spools, and finish it if we may ``act``; what there is to tell."""
        return self._sweeps.tend(nouns, {running.spool for running in self._running.values()}, clock, act=act)

    def news(self) -> tuple[PurgeNote, ...]:
        news, self._news = tuple(self._news), []
        return news

    def close(self) -> None:
        for job in (*self._given_up, *(running.job for running in self._running.values())):
            job.close()
        self._running.clear()
        self._sweeps.close()
        self._epoll.close()

    def _take(self, intent_id: str, running: _RunningPurge, news: PurgeNews, now: float) -> EffectReport | None:
        if isinstance(news, Deleted | Failed):
            self._sweeps.purged(running.spool, now, failed=isinstance(news, Failed))
        if isinstance(news, Remaining):
            self._sweeps.left(running.spool, news, now)
        outcome = Outcome(not isinstance(news, Failed), str(news))
        if running.reported or isinstance(news, Deleted | Remaining):
            self._news.append(PurgeNote(intent_id, outcome))
            if running.reported:
                return None
        running.reported = True
        cleared = news.renamed if isinstance(news, Cleared) else None
        return EffectReport(intent_id, outcome, now - running.began, now, cleared=cleared)

    def _report_failure(self, intent_id: str, now: float, words: str) -> None:
        self._failed.append(EffectReport(intent_id, Outcome(False, words), 0.0, now))
