"""Stops and starts requested from systemd over D-Bus, each followed from the call to its result. Nothing waits here.

systemd answers a call with the path of a job, and reports the job's end by the signal JobRemoved, which may arrive
before that answer. A job survives a restart of systemd itself, its signal does not, so a missing signal is replaced by
a query.
"""

from __future__ import annotations

from enum import StrEnum

from watchdog_oom import formatting
from watchdog_oom.core.outcome import Outcome
from watchdog_oom.core.unit_name import full_name
from watchdog_oom.host.services.dbus.connection import BusConnection
from watchdog_oom.host.services.dbus.events import Answered, Disconnected, Event, Unanswered
from watchdog_oom.host.services.dbus.wire import BusSignal, Call, Failure, Reply
from watchdog_oom.host.services.manager import JobEnd
from watchdog_oom.host.services.systemd.calls import get_all, job_state, reset_failed, start_unit, stop_unit
from watchdog_oom.host.services.systemd.unit_properties import (
    Properties,
    deadline_seconds,
    judge,
    properties_of,
    refusal,
    refused_by_start_limit,
)
from watchdog_oom.lean_dataclasses import dataclass
from watchdog_oom.lean_typing import assert_never

ANSWER_SECONDS = 60.0
LOOK_SECONDS = 10.0
CHECK_SECONDS = 10.0
AGAIN_SECONDS = 1.0
_MOST_RESETS = 64


class _Ask(StrEnum):
    """The purpose of a call."""

    BEFORE = "what the unit is like before"
    JOB = "the job"
    CHECK = "whether the job is still there"
    AFTER = "what became of the unit"
    RESET = "to forget the failures"


@dataclass(slots=True)
class _BusJob:
    """``path`` is that of systemd's job, ``result`` its result, once known; ``pending`` are our open calls."""

    key: str
    verb: str
    unit: str
    incident: str
    began: float
    deadline: float
    asked_until: float
    pending: dict[int, _Ask]
    path: str = ""
    result: str | None = None
    before: Properties | None = None
    check_at: float | None = None
    ask_at: float | None = None
    reset: bool = False


class SystemdJobs:
    """All jobs under way, by key. Calls go out through ``link``; incoming events are passed to ``take``."""

    def __init__(self, link: BusConnection) -> None:
        self._link = link
        self._jobs: dict[str, _BusJob] = {}
        self._ended: list[JobEnd] = []
        self._early: dict[str, str] = {}
        self._resets: dict[tuple[str, str], None] = {}

    def __len__(self) -> int:
        return len(self._jobs)

    def begin(self, key: str, verb: str, unit: str, now: float, *, seconds: float, incident: str) -> None:
        """Ask systemd to ``stop`` or ``start`` a unit. ``seconds`` is the deadline if the unit has none of its own; in
        one incident the failures of a unit are reset at most once."""
        job = _BusJob(key, verb, unit, incident or key, now, now + seconds, now + ANSWER_SECONDS, {})
        self._jobs[key] = job
        self._ask(job, _Ask.BEFORE, get_all(unit), LOOK_SECONDS, now)
        self._ask_for_job(job, now)

    def ended(self) -> tuple[JobEnd, ...]:
        """The jobs that ended since the last call."""
        ended, self._ended = tuple(self._ended), []
        return ended

    def take(self, event: Event, now: float) -> None:
        """Process an event."""
        match event:
            case Answered(token, answer):
                self._answered(token, answer, now)
            case Unanswered():
                self._unanswered(event, now)
            case BusSignal(member="JobRemoved", body=(int(), str(path), str(), str(result))):
                self._removed(path, result, now)
            case BusSignal():
                pass
            case Disconnected():
                for job in self._jobs.values():
                    job.check_at = now if job.path and job.result is None else None
            case _:
                assert_never(event)

    def tick(self, now: float) -> None:
        """Do what is due by the clock."""
        for job in tuple(self._jobs.values()):
            if now >= job.deadline:
                self._end(job, False, f"{job.verb} did not end within {formatting.duration(job.deadline - job.began)}; "
                                      "systemd continues it")
            elif job.ask_at is not None and now >= job.ask_at:
                self._ask_for_job(job, now)
            elif job.check_at is not None and now >= job.check_at:
                job.check_at = None
                self._ask(job, _Ask.CHECK, job_state(job.path), LOOK_SECONDS, now)

    def _ask(self, job: _BusJob, ask: _Ask, call: Call, within_seconds: float, now: float) -> None:
        job.pending[self._link.call(call, within_seconds, now)] = ask

    def _ask_for_job(self, job: _BusJob, now: float) -> None:
        job.ask_at = None
        call = start_unit(job.unit) if job.verb == "start" else stop_unit(job.unit)
        self._ask(job, _Ask.JOB, call, max(AGAIN_SECONDS, job.asked_until - now), now)

    def _answered(self, token: int, answer: Reply | Failure, now: float) -> None:
        job, ask = self._whose(token)
        if job is None:
            return
        match ask:
            case _Ask.BEFORE:
                self._learn(job, answer)
            case _Ask.JOB if isinstance(answer, Failure):
                self._end(job, False, refusal(job.verb, answer.name, answer.text))
            case _Ask.JOB:
                self._begun(job, answer, now)
            case _Ask.CHECK if isinstance(answer, Failure) and answer.name.endswith(".UnknownObject"):
                self._over(job, "", now)
            case _Ask.CHECK:
                job.check_at = now + CHECK_SECONDS
            case _Ask.AFTER:
                self._looked(job, answer, now)
            case _:
                pass

    def _unanswered(self, event: Unanswered, now: float) -> None:
        job, ask = self._whose(event.token)
        if job is None:
            return
        match ask:
            case _Ask.JOB:
                self._no_answer(job, event, now)
            case _Ask.CHECK:
                job.check_at = now + AGAIN_SECONDS
            case _Ask.AFTER:
                self._end(job, *judge(job.verb, job.result or "", None))
            case _:
                pass

    def _no_answer(self, job: _BusJob, event: Unanswered, now: float) -> None:
        """Call again if that is harmless: to stop a stopped unit, or start a running one, succeeds immediately."""
        if not event.sent and not event.silent and not job.reset:
            del self._jobs[job.key]
            self._ended.append(JobEnd(job.key, Outcome(None, event.words)))
        elif now + AGAIN_SECONDS < job.asked_until and not (event.sent and event.silent):
            job.ask_at = now + AGAIN_SECONDS
        else:
            late = f" within {formatting.duration(now - job.began)}" if event.silent else ""
            self._end(job, False, f"{job.verb} failed: {event.words}{late}")

    def _learn(self, job: _BusJob, answer: Reply | Failure) -> None:
        """The unit's own deadline, and its last invocation."""
        job.before = properties_of(answer.body) if isinstance(answer, Reply) else None
        if job.before is not None:
            key = "TimeoutStartUSec" if job.verb == "start" else "TimeoutStopUSec"
            seconds = deadline_seconds(job.before.get(key))
            if seconds is not None:
                job.deadline = max(job.began + seconds, job.asked_until)

    def _begun(self, job: _BusJob, answer: Reply | Failure, now: float) -> None:
        path = answer.body[0] if isinstance(answer, Reply) and answer.body else None
        if not isinstance(path, str):
            self._end(job, False, f"{job.verb} failed: systemd's answer names no job")
            return
        job.path, job.check_at = path, now + CHECK_SECONDS
        if path in self._early:
            self._over(job, self._early[path], now)
        if not any(_Ask.JOB in other.pending.values() for other in self._jobs.values()):
            self._early.clear()

    def _removed(self, path: str, result: str, now: float) -> None:
        mine = [job for job in self._jobs.values() if job.path == path and job.result is None]
        for job in mine:
            self._over(job, result, now)
        if not mine and any(_Ask.JOB in job.pending.values() for job in self._jobs.values()):
            self._early[path] = result

    def _over(self, job: _BusJob, result: str, now: float) -> None:
        """The job is gone; query the unit, since a job that is "done" does not mean that the service runs."""
        job.result, job.check_at = result, None
        self._ask(job, _Ask.AFTER, get_all(job.unit), LOOK_SECONDS, now)

    def _looked(self, job: _BusJob, answer: Reply | Failure, now: float) -> None:
        after = properties_of(answer.body) if isinstance(answer, Reply) else None
        limited = job.verb == "start" and job.result == "failed" and after is not None
        if limited and after is not None and refused_by_start_limit(job.before, after) and self._may_reset(job):
            self._ask(job, _Ask.RESET, reset_failed(job.unit), LOOK_SECONDS, now)
            job.path, job.result, job.reset = "", None, True
            job.asked_until = max(job.asked_until, now + LOOK_SECONDS)
            self._ask_for_job(job, now)
            return
        ok, told = judge(job.verb, job.result or "", after)
        self._end(job, ok, f"{told}; its start limit had been reset" if job.reset else told)

    def _may_reset(self, job: _BusJob) -> bool:
        """Once per incident: a start limit that is hit again is respected."""
        key = (job.incident, full_name(job.unit))
        if key in self._resets:
            return False
        self._resets[key] = None
        if len(self._resets) > _MOST_RESETS:
            del self._resets[next(iter(self._resets))]
        return True

    def _whose(self, token: int) -> tuple[_BusJob | None, _Ask | None]:
        for job in self._jobs.values():
            if token in job.pending:
                return job, job.pending.pop(token)
        return None, None

    def _end(self, job: _BusJob, ok: bool, told: str) -> None:
        del self._jobs[job.key]
        self._ended.append(JobEnd(job.key, Outcome(ok, told)))
