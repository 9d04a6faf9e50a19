"""The purges under way: "cleared" is what a recovery waits for, the deletion goes on behind it."""

from __future__ import annotations

import select
from collections.abc import Mapping

from watchdog_oom.core.model import Clock
from watchdog_oom.core.nouns import SpoolNoun
from watchdog_oom.core.outcome import EffectReport, Outcome
from watchdog_oom.host.purge.job import PurgeJob, start_purge
from watchdog_oom.host.purge.messages import Cleared, Deleted, Failed, PurgeNews, Remaining
from watchdog_oom.host.purge.request import WITHIN_SECONDS, PurgeRequest
from watchdog_oom.host.purge.search import TrashSearch
from watchdog_oom.lean_dataclasses import dataclass
from watchdog_oom.lean_typing import assert_never

_GRACE_SECONDS = 60.0  # how much longer than its deadline a purge may take to say anything at all


@dataclass(slots=True)
class _RunningPurge:
    job: PurgeJob
    noun: SpoolNoun
    only_leftovers: bool
    began: float
    clear_by: float
    gently: bool = False
    cleared: Cleared | None = None
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
        self._ending: list[PurgeJob] = []
        self._failed: list[EffectReport] = []
        self._news: list[PurgeNote] = []
        self._search = TrashSearch(self._epoll, proc)

    def fileno(self) -> int:
        return self._epoll.fileno()

    @property
    def purging(self) -> dict[str, str]:
        """The paths of the spools, by name, in whose trash something may still lie."""
        return self._search.paths() | {running.noun.name: running.noun.path for running in self._running.values()}

    @property
    def remaining(self) -> Mapping[str, Remaining]:
        """By spool, what was found in trash directories and is still to be deleted."""
        return self._search.remaining

    def inherit(self, paths: Mapping[str, str]) -> None:
        """The paths, by name, of spools whose purge was cut short with the daemon before."""
        self._search.inherit(paths)

    def start(self, intent_id: str, noun: SpoolNoun, limit: int, clock: Clock,
              within_seconds: float = WITHIN_SECONDS, *, gently: bool = False) -> None:
        """Begin a purge; with a limit of 0 one that only settles what earlier ones left. One spool is never purged
        twice at the same time: the second would fail over the first. A gentle one is reported when it is over."""
        if any(running.noun.name == noun.name for running in self._running.values()):
            self._report_failure(intent_id, clock.boottime, "an earlier purge of this spool is still deleting")
            return
        self._search.purge_begins(noun.name)
        request = PurgeRequest(noun, limit, (*clock.offsets, clock.wall - clock.boottime), self._proc, within_seconds,
                               gently=gently)
        try:
            job = start_purge(request)
        except OSError as error:
            self._report_failure(intent_id, clock.boottime, f"no child process for the purge: {error.strerror}")
            return
        self._epoll.register(job.fileno(), select.EPOLLIN)
        now = clock.boottime
        self._running[intent_id] = _RunningPurge(job, noun, limit == 0, now, now + within_seconds, gently)

    def poll(self, now: float) -> tuple[EffectReport, ...]:
        """A report for each purge whose spool was cleared, or which failed before that."""
        reports, self._failed = self._failed, []
        for intent_id, running in list(self._running.items()):
            told = running.job.poll()
            silent = not (running.reported or running.cleared or told)
            overdue = silent and now > running.clear_by + _GRACE_SECONDS
            if overdue:
                told = (Failed("the purge was given up: it did not even say that it could not be done in time"),)
            for news in told:
                report = self._take(intent_id, running, news, now)
                if report is not None:
                    reports.append(report)
            if running.job.done or overdue:
                self._let_go(intent_id, running)
        self._ending = [job for job in self._ending if not job.let_go()]
        return tuple(reports)

    def halt(self, reasons: Mapping[str, str], now: float) -> None:
        """End the gentle purges of these spools, by name: what they had cleared is left to the next purge."""
        for intent_id, running in list(self._running.items()):
            if running.gently and running.noun.name in reasons:
                self._let_go(intent_id, running)
                self._search.purge_ended(running.noun.name, now, failed=True)
                done = f"{running.cleared}, to be deleted later; " if running.cleared else ""
                words = f"{done}ended early: {reasons[running.noun.name]}"
                self._failed.append(EffectReport(intent_id, Outcome(None, words), now - running.began, now))

    def left_behind(self, nouns: Mapping[str, SpoolNoun], clock: Clock) -> tuple[str, ...]:
        """To be called every now and then: the spools in whose trash something is left, as was inherited or just found,
        with no purge there to settle it."""
        busy = {running.noun.name for running in self._running.values()}
        return tuple(name for name in self._search.tend(nouns, busy, clock) if name not in busy)

    def news(self) -> tuple[PurgeNote, ...]:
        news, self._news = tuple(self._news), []
        return news

    def close(self) -> None:
        for job in (*self._ending, *(running.job for running in self._running.values())):
            job.close()
        self._running.clear()
        self._search.close()
        self._epoll.close()

    def _let_go(self, intent_id: str, running: _RunningPurge) -> None:
        self._epoll.unregister(running.job.fileno())
        self._ending.append(running.job)
        del self._running[intent_id]

    def _take(self, intent_id: str, running: _RunningPurge, news: PurgeNews, now: float) -> EffectReport | None:
        """The first that counts is the report, and what follows are news. For a purge of leftovers that is the end:
        it clears nothing."""
        outcome = Outcome(not isinstance(news, Failed), str(news))
        match news:
            case Cleared():
                if running.gently:
                    running.cleared = news
                if running.gently or running.only_leftovers:
                    return None
            case Deleted() | Failed():
                self._search.purge_ended(running.noun.name, now, failed=isinstance(news, Failed))
            case Remaining():
                self._search.purge_left(running.noun.name, news, now)
            case _:
                assert_never(news)
        if running.reported:
            self._news.append(PurgeNote(intent_id, outcome))
            return None
        running.reported = True
        if running.gently and running.cleared is not None:
            outcome = Outcome(outcome.ok, f"{running.cleared}; {news}")
        return EffectReport(intent_id, outcome, now - running.began, now, _count(running, news))

    def _report_failure(self, intent_id: str, now: float, words: str) -> None:
        self._failed.append(EffectReport(intent_id, Outcome(False, words), 0.0, now))


def _count(running: _RunningPurge, news: PurgeNews) -> int | None:
    """How many entries were cleared, where that is known."""
    if isinstance(news, Cleared):
        return news.renamed
    if running.gently and running.cleared is not None and isinstance(news, Deleted):
        return max(running.cleared.renamed, news.entries)
    return None
