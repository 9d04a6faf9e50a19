"""The purges under way: "cleared" is what a recovery waits for, the deletion goes on behind it."""

from __future__ import annotations

import select

from watchdog_oom.core.model import Clock
from watchdog_oom.core.nouns import SpoolNoun
from watchdog_oom.core.outcome import EffectReport, Outcome
from watchdog_oom.host.purge.messages import Cleared, Deleted, Failed, PurgeNews
from watchdog_oom.host.purge.supervisor import PurgeJob, PurgeRequest, start_purge
from watchdog_oom.lean_dataclasses import dataclass


@dataclass(slots=True)
class _RunningPurge:
    job: PurgeJob
    spool: str
    path: str
    began: float
    reported: bool = False


class PurgeJobs:
    """Register ``fileno()`` for reading; ``poll`` gives the reports, ``news`` what happened after them."""

    def __init__(self, proc: str = "/proc") -> None:
        self._proc = proc
        self._epoll = select.epoll()
        self._running: dict[str, _RunningPurge] = {}
        self._failed: list[EffectReport] = []
        self._news: list[tuple[str, Outcome]] = []

    def fileno(self) -> int:
        return self._epoll.fileno()

    @property
    def purging(self) -> dict[str, str]:
        """The paths of the spools, by name, in whose trash something may still lie."""
        return {running.spool: running.path for running in self._running.values()}

    def start(self, intent_id: str, noun: SpoolNoun, limit: int, clock: Clock) -> None:
        """Begin a purge. One spool is never purged twice at the same time: the second would fail over the first."""
        if any(running.spool == noun.name for running in self._running.values()):
            self._report_failure(intent_id, clock.boottime, "an earlier purge of this spool is still deleting")
            return
        request = PurgeRequest(noun, limit, (*clock.offsets, clock.wall - clock.boottime), self._proc)
        try:
            job = start_purge(request)
        except OSError as error:
            self._report_failure(intent_id, clock.boottime, f"no child process for the purge: {error.strerror}")
            return
        self._epoll.register(job.fileno(), select.EPOLLIN)
        self._running[intent_id] = _RunningPurge(job, noun.name, noun.path, clock.boottime)

    def poll(self, now: float) -> tuple[EffectReport, ...]:
        """A report for each purge whose spool was cleared, or which failed before that."""
        reports, self._failed = self._failed, []
        for intent_id, running in list(self._running.items()):
            for news in running.job.poll():
                report = self._take(intent_id, running, news, now)
                if report is not None:
                    reports.append(report)
            if running.job.done:
                self._epoll.unregister(running.job.fileno())
                running.job.close()
                del self._running[intent_id]
        return tuple(reports)

    def news(self) -> tuple[tuple[str, Outcome], ...]:
        """What purges did after their spool was cleared, with the spool's name."""
        news, self._news = tuple(self._news), []
        return news

    def close(self) -> None:
        for running in self._running.values():
            running.job.close()
        self._running.clear()
        self._epoll.close()

    def _take(self, intent_id: str, running: _RunningPurge, news: PurgeNews, now: float) -> EffectReport | None:
        if running.reported or isinstance(news, Deleted):
            self._news.append((running.spool, Outcome(not isinstance(news, Failed), str(news))))
            if running.reported:
                return None
        running.reported = True
        match news:
            case Cleared() | Deleted():
                return EffectReport(intent_id, Outcome(True, str(news)), now - running.began, now)
            case Failed():
                return EffectReport(intent_id, Outcome(False, str(news)), now - running.began, now)

    def _report_failure(self, intent_id: str, now: float, words: str) -> None:
        self._failed.append(EffectReport(intent_id, Outcome(False, words), 0.0, now))
