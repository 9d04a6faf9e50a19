"""systemd over D-Bus: the states of units, their stops, starts and bounds, through one connection that never blocks."""

from __future__ import annotations

from collections.abc import Iterable

from watchdog_oom.core.model import ServiceState, ServiceStatus
from watchdog_oom.host.services.dbus.connection import BusConnection
from watchdog_oom.host.services.dbus.events import Answered, BusAddress, Event, Unanswered
from watchdog_oom.host.services.dbus.wire import Failure, Reply
from watchdog_oom.host.services.manager import JobEnd
from watchdog_oom.host.services.program_words import one_line
from watchdog_oom.host.services.systemd.calls import JOB_REMOVED, get_all
from watchdog_oom.host.services.systemd.cgroup import CGROUPS, members
from watchdog_oom.host.services.systemd.dropins import bound_at_runtime
from watchdog_oom.host.services.systemd.jobs import SystemdJobs
from watchdog_oom.host.services.systemd.memory_bounds import SystemdBounds
from watchdog_oom.host.services.systemd.unit_properties import control_group_of, properties_of, to_state
from watchdog_oom.lean_dataclasses import replace

STATE_SECONDS = 10.0
_MOST_ROUNDS = 8
_DOWN = (ServiceStatus.INACTIVE, ServiceStatus.FAILED)


class SystemdBus:
    """One query and one answer per unit; ``cgroups`` is where control groups are mounted, ``root`` the directory of
    systemd's files. A unit's group is remembered, since systemd may forget it as soon as the unit is down, even if
    processes still run in it."""

    def __init__(self, places: tuple[BusAddress, ...], *, cgroups: str = CGROUPS, root: str = "/") -> None:
        self._link = BusConnection(places, frozenset({JOB_REMOVED}))
        self._jobs = SystemdJobs(self._link)
        self._bounds = SystemdBounds(self._link)
        self._cgroups = cgroups
        self._root = root
        self._asked: dict[int, tuple[str, float]] = {}
        self._answers: list[tuple[str, ServiceState | None]] = []
        self._groups: dict[str, str] = {}

    def fileno(self) -> int:
        return self._link.fileno()

    def ask(self, units: Iterable[str], now: float) -> None:
        """Query the states of these units."""
        for unit in units:
            self._asked[self._link.call(get_all(unit), STATE_SECONDS, now)] = (unit, now)
        self._go_on(now)

    def answers(self, now: float) -> tuple[tuple[str, ServiceState | None], ...]:
        """The states received since the last call; ``None`` if systemd can only be queried in another way."""
        self._go_on(now)
        answers, self._answers = tuple(self._answers), []
        return answers

    def begin(self, key: str, verb: str, unit: str, now: float, *, seconds: float, incident: str = "") -> None:
        """Request a ``stop`` or a ``start``; see SystemdJobs."""
        self._jobs.begin(key, verb, unit, now, seconds=seconds, incident=incident)
        self._go_on(now)

    def bound_memory(self, key: str, unit: str, high_bytes: int, max_bytes: int | None, now: float, *,
                     seconds: float) -> None:
        """Request memory bounds for a unit; see SystemdBounds."""
        self._bounds.begin(key, unit, high_bytes, max_bytes, now, seconds=seconds)
        self._go_on(now)

    def ended(self, now: float) -> tuple[JobEnd, ...]:
        """The jobs and settings that ended since the last call."""
        self._go_on(now)
        return (*self._jobs.ended(), *self._bounds.ended())

    def close(self) -> None:
        """Close the connection; jobs continue without it. The bus can be used again afterwards."""
        self._link.close()

    def _go_on(self, now: float) -> None:
        """Continue as far as possible without waiting: calls that follow from an answer are sent immediately."""
        self._jobs.tick(now)
        self._bounds.tick(now)
        for _ in range(_MOST_ROUNDS):
            events = self._link.poll(now, keep=len(self._jobs) > 0)
            if not events:
                return
            for event in events:
                self._take(event, now)
                self._jobs.take(event, now)
                self._bounds.take(event, now)

    def _take(self, event: Event, now: float) -> None:
        if not isinstance(event, Answered | Unanswered) or event.token not in self._asked:
            return
        unit, asked = self._asked.pop(event.token)
        match event:
            case Answered(answer=answer):
                self._answers.append((unit, self._state(unit, answer, asked)))
            case Unanswered(sent=False, silent=False):
                self._answers.append((unit, None))
            case _:
                self._answers.append((unit, ServiceState(unit, ServiceStatus.UNKNOWN, asked, words=event.words)))

    def _state(self, unit: str, answer: Reply | Failure, asked: float) -> ServiceState:
        if isinstance(answer, Failure):
            told = one_line(answer.text) or one_line(answer.name)
            return ServiceState(unit, ServiceStatus.UNKNOWN, asked, words=told)
        properties = properties_of(answer.body)
        if properties is None:
            return ServiceState(unit, ServiceStatus.UNKNOWN, asked, words="systemd's answer is not understood")
        state = replace(to_state(unit, properties, asked), bound_at_runtime=bound_at_runtime(unit, self._root))
        if state.control_group:
            self._groups[unit] = state.control_group
        if state.status not in _DOWN:
            return state
        group = self._groups.get(unit) or control_group_of(properties)
        return replace(state, survivors=members(group, self._cgroups))
