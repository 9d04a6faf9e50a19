"""Slow effects as child processes: stopping and starting services, running programs and probing with them.

At its deadline a child is killed with its process group, except one that starts a service. A script without job
control starts its daemon in its own group, and a daemon that does not call setsid(2) stays there: it would be killed
because its script is slow. A stop script can be killed with its group: the service itself was never in it.

If the service manager has a bus, the bus is used, and no child is needed.
"""

from __future__ import annotations

import select
from collections.abc import Callable

from watchdog_oom import formatting
from watchdog_oom.core.actions import Contain, Release, RunCommand, StartUnit, StopUnit
from watchdog_oom.core.nouns import RunProbe
from watchdog_oom.core.outcome import EffectReport, Outcome
from watchdog_oom.core.unit_name import is_unit_name
from watchdog_oom.host.children.spawn import spawn_drained, spawn_program
from watchdog_oom.host.children.supervisor import ChildSupervisor, Ended
from watchdog_oom.host.services.manager import JobEnd, ServiceBus, ServiceManager, bus_of
from watchdog_oom.host.services.program_words import exit_words, with_output
from watchdog_oom.lean_dataclasses import dataclass
from watchdog_oom.lean_typing import TypeAlias, assert_never

SERVICE_DEADLINE_SECONDS = 120.0
ATTEMPT_DEADLINE_SECONDS = 5.0
BOUND_DEADLINE_SECONDS = 60.0
JobStep: TypeAlias = StopUnit | StartUnit | Contain | Release | RunCommand | RunProbe


@dataclass(slots=True)
class _ProgramJob:
    """``judge`` turns exit status and output into a verdict; ``leaves_running``: something that it starts may stay, and
    keep its output; ``retry`` says what to run before one retry, if any; ``tidy`` is run after a success and returns
    what went wrong."""

    name: str
    argv: tuple[str, ...]
    began: float
    deadline: float
    judge: Callable[[int, str], tuple[bool, str]]
    stops_with_daemon: bool
    leaves_running: bool = True
    group: bool = True
    retry: Callable[[str], tuple[str, ...] | None] | None = None
    again: bool = False
    tidy: Callable[[], str] | None = None


class Jobs:
    """All jobs under way, by intent id. Register ``fileno()`` for reading; call ``poll`` when it is, and each tick."""

    def __init__(self, manager: ServiceManager, *, output_dir: str | None = None) -> None:
        self._manager = manager
        self._output_dir = output_dir
        self._bus = bus_of(manager)
        self._children = ChildSupervisor()
        self._epoll = select.epoll()
        self._epoll.register(self._children.fileno(), select.EPOLLIN)
        if self._bus is not None:
            self._epoll.register(self._bus.fileno(), select.EPOLLIN)
        self._jobs: dict[str, _ProgramJob] = {}
        self._reports: list[EffectReport] = []

    def fileno(self) -> int:
        return self._epoll.fileno()

    @property
    def running(self) -> frozenset[str]:
        """The intent ids of the jobs under way."""
        return frozenset(self._jobs)

    def start(self, intent_id: str, step: JobStep, now: float, *, incident: str = "") -> None:
        """Begin a job; its result is a later report. A RunProbe is one attempt, of at most 5 s.

        An intent whose job is under way is not begun again. In one ``incident`` the failures of a unit are reset at
        most once (systemctl reset-failed).
        """
        if intent_id in self._jobs:
            return
        job = self._job(step, now)
        if isinstance(step, StopUnit | StartUnit | Contain | Release) and not is_unit_name(step.unit):
            self._report(intent_id, job, now, False, "that is not the name of a unit")
            return
        if not job.argv:
            self._report(intent_id, job, now, False, "only systemd can set memory bounds on a unit")
            return
        if self._bus is not None and isinstance(step, StopUnit | StartUnit | Contain | Release):
            self._jobs[intent_id] = job
            self._begin_over_bus(self._bus, intent_id, step, now, job.deadline - now, incident)
            return
        self._spawn(intent_id, job, job.argv, now)

    def poll(self, now: float) -> tuple[EffectReport, ...]:
        """The reports of all jobs that ended or became overdue."""
        for ended in self._children.poll(now):
            self._end(ended, self._jobs.pop(ended.key), now)
        for job_end in self._bus.ended(now) if self._bus is not None else ():
            self._end_over_bus(job_end, self._jobs.pop(job_end.key), now)
        reports, self._reports = tuple(self._reports), []
        return reports

    def close(self) -> None:
        """Kill programs and probes; let service jobs end by themselves, since a half-finished stop is worse than a
        complete one."""
        for intent_id, job in self._jobs.items():
            if job.stops_with_daemon:
                self._children.kill(intent_id)
        self._jobs.clear()
        self._epoll.close()
        self._children.close()
        if self._bus is not None:
            self._bus.close()

    def _job(self, step: JobStep, now: float) -> _ProgramJob:
        manager = self._manager
        match step:
            case StopUnit(unit=unit):
                return _ProgramJob(str(step), manager.stop(unit), now, now + service_seconds(step),
                            lambda status, text: manager.judge("stop", status, text), stops_with_daemon=False)
            case StartUnit(unit=unit):
                return _ProgramJob(str(step), manager.start(unit), now, now + service_seconds(step),
                            lambda status, text: manager.judge("start", status, text), stops_with_daemon=False,
                            group=False, retry=lambda text: manager.before_retry(unit, text))
            case Contain() | Release():
                argv = manager.bound_memory(step.unit, step.memory_high_bytes, step.memory_max_bytes)
                return _ProgramJob(str(step), argv, now, now + BOUND_DEADLINE_SECONDS,
                            lambda status, text: manager.judge("set-property", status, text), stops_with_daemon=False,
                            tidy=(lambda: manager.forget_bounds(step.unit)) if _forgets(step) else None)
            case RunCommand(argv=argv, within_seconds=within):
                return _ProgramJob(argv[0], argv, now, now + within, judge_run, stops_with_daemon=True)
            case RunProbe(argv=argv, within_seconds=within):
                return _ProgramJob(argv[0], argv, now, now + min(within, ATTEMPT_DEADLINE_SECONDS),
                            lambda status, text: judge_probe(step.expect, status, text), stops_with_daemon=True,
                            leaves_running=False)
            case _:
                assert_never(step)

    def _begin_over_bus(self, bus: ServiceBus, intent_id: str, step: StopUnit | StartUnit | Contain | Release,
                        now: float, seconds: float, incident: str) -> None:
        match step:
            case StopUnit():
                bus.begin(intent_id, "stop", step.unit, now, seconds=seconds, incident=incident)
            case StartUnit():
                bus.begin(intent_id, "start", step.unit, now, seconds=seconds, incident=incident)
            case Contain() | Release():
                bus.bound_memory(intent_id, step.unit, step.memory_high_bytes, step.memory_max_bytes, now,
                                 seconds=seconds)
            case _:
                assert_never(step)

    def _spawn(self, intent_id: str, job: _ProgramJob, argv: tuple[str, ...], now: float) -> None:
        try:
            child = (spawn_drained(argv) if job.leaves_running else spawn_program(argv, output_dir=self._output_dir))
        except OSError as error:
            self._report(intent_id, job, now, False, f"could not be begun: {error.strerror}")
            return
        self._jobs[intent_id] = job
        self._children.add(intent_id, child, job.deadline - now, now, group=job.group)

    def _end(self, ended: Ended, job: _ProgramJob, now: float) -> None:
        if ended.exit_status is None:
            late = f"did not end within {formatting.duration(job.deadline - job.began)} and was killed"
            self._report(ended.key, job, now, False, with_output(late, ended.text))
            return
        if job.again:
            job.again, job.retry = False, None
            self._spawn(ended.key, job, job.argv, now)
            return
        ok, told = job.judge(ended.exit_status, ended.text)
        before = job.retry(ended.text) if not ok and job.retry is not None else None
        if before is not None:
            job.again = True
            self._spawn(ended.key, job, before, now)
            return
        self._report(ended.key, job, now, ok, told)

    def _end_over_bus(self, ended: JobEnd, job: _ProgramJob, now: float) -> None:
        """What could not be asked for over the bus is asked for by program."""
        if ended.outcome.ok is None:
            self._spawn(ended.key, job, job.argv, now)
        else:
            self._report(ended.key, job, now, ended.outcome.ok, ended.outcome.words)

    def _report(self, intent_id: str, job: _ProgramJob, now: float, ok: bool | None, told: str) -> None:
        trouble = job.tidy() if ok and job.tidy is not None else ""
        told = f"{told}; {trouble}" if trouble else told
        self._reports.append(EffectReport(intent_id, Outcome(ok, told), max(0.0, now - job.began), now))


def service_seconds(step: StopUnit | StartUnit) -> float:
    """How long a stop or start may take if the service manager gives no timeout of its own."""
    return max(SERVICE_DEADLINE_SECONDS, step.within_seconds or 0.0)


def _forgets(step: Contain | Release) -> bool:
    return isinstance(step, Release) and step.forget


def judge_run(exit_status: int, text: str) -> tuple[bool, str]:
    """A program succeeded if it ended with 0."""
    return exit_status == 0, with_output("done" if exit_status == 0 else exit_words(exit_status), text)


def judge_probe(expect: str | None, exit_status: int, text: str) -> tuple[bool, str]:
    """A service answers if the probe program ended with 0 and printed the expected text, if any."""
    if exit_status != 0:
        return False, with_output(f"the probe {exit_words(exit_status)}", text)
    if expect is not None and expect not in text:
        return False, with_output(f"the probe did not print {expect!r}", text)
    return True, with_output("the probe succeeded", text)
