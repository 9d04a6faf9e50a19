"""The states of services, queried in the background: often while a recovery waits for them, else rarely.

If the service manager has a bus, it is used; a program is started only if that fails. A program costs a fork, so a unit
that keeps running, or does not exist, is queried less and less often while no process ends.
"""

from __future__ import annotations

import select
from collections.abc import Container, Iterable, Mapping
from types import MappingProxyType

from watchdog_oom.core.model import ServiceState, ServiceStatus
from watchdog_oom.core.unit_name import is_unit_name
from watchdog_oom.host.children.spawn import spawn_program
from watchdog_oom.host.children.supervisor import ChildSupervisor, Ended
from watchdog_oom.host.services.manager import ServiceManager, bus_of

SOON_SECONDS = 0.5
SELDOM_SECONDS = 10.0
SELDOMEST_SECONDS = 30.0
DEADLINE_SECONDS = 10.0
MOST_AT_ONCE = 4
_STEADY = (ServiceStatus.ACTIVE, ServiceStatus.MISSING)  # states that do not change while no process ends


class StatusPoller:
    """At most one query per unit at a time, and few in total. A state carries the time of its query, so it is never
    newer than it claims to be."""

    def __init__(self, manager: ServiceManager) -> None:
        self._manager = manager
        self._bus = bus_of(manager)
        self._children = ChildSupervisor()
        self._epoll = select.epoll()
        self._epoll.register(self._children.fileno(), select.EPOLLIN)
        if self._bus is not None:
            self._epoll.register(self._bus.fileno(), select.EPOLLIN)
        self._over_bus: set[str] = set()
        self._asked: dict[str, float] = {}
        self._rests: dict[str, float] = {}
        self._states: dict[str, ServiceState] = {}

    def fileno(self) -> int:
        return self._epoll.fileno()

    @property
    def states(self) -> Mapping[str, ServiceState]:
        """The last state of every unit that answered or failed to answer, by the name used in the query."""
        return MappingProxyType(dict(self._states))

    def ask(self, units: Iterable[str], now: float, *, often: Container[str] = (), calm: bool = False) -> None:
        """Query the states that are due: of all units every 10 s, of those in ``soon`` every 0.5 s, the longest
        waiting first. ``calm`` says that no process has ended since the last call: while that is so, a unit found
        active or missing again is queried by a program after 20 s, then every 30 s. Units no longer requested are
        forgotten."""
        wanted = set(units)
        for unit in self._asked.keys() - wanted:
            del self._asked[unit]
            self._states.pop(unit, None)
        if not calm:
            self._rests.clear()
        due = [unit for unit in wanted if unit not in self._children and unit not in self._over_bus
               and now - self._asked.get(unit, float("-inf")) >= self._rest(unit, often)]
        if self._bus is not None:
            named = [unit for unit in sorted(due) if is_unit_name(unit)]
            self._asked.update((unit, now) for unit in named)
            self._over_bus.update(named)
            self._bus.ask(named, now)
            due = [unit for unit in due if unit not in self._over_bus]
        for unit in sorted(due, key=lambda unit: (self._asked.get(unit, 0.0), unit)):
            if len(self._children) >= MOST_AT_ONCE:
                break
            self._begin(unit, now)

    def poll(self, now: float) -> None:
        """Take the answers received, and give up on queries older than 10 s."""
        for ended in self._children.poll(now):
            if ended.key in self._asked:
                self._take(ended.key, self._answer(ended))
        for unit, state in self._bus.answers(now) if self._bus is not None else ():
            self._over_bus.discard(unit)
            if unit not in self._asked:
                continue
            if state is not None:
                self._states[unit] = state
            elif unit not in self._children and len(self._children) < MOST_AT_ONCE:
                self._begin(unit, now)
            else:
                del self._asked[unit]  # due again

    def close(self) -> None:
        for unit in self._children:
            self._children.kill(unit)
        self._epoll.close()
        self._children.close()
        if self._bus is not None:
            self._bus.close()

    def _rest(self, unit: str, often: Container[str]) -> float:
        return SOON_SECONDS if unit in often else self._rests.get(unit, SELDOM_SECONDS)

    def _take(self, unit: str, state: ServiceState) -> None:
        """A program's answer; an unchanged state delays the next query."""
        before = self._states.get(unit)
        again = before is not None and before.status is state.status and state.status in _STEADY
        longer = min(SELDOMEST_SECONDS, self._rests.get(unit, SELDOM_SECONDS) + SELDOM_SECONDS)
        self._rests[unit] = longer if again else SELDOM_SECONDS
        self._states[unit] = state

    def _begin(self, unit: str, now: float) -> None:
        self._asked[unit] = now
        if not is_unit_name(unit):
            self._states[unit] = ServiceState(unit, ServiceStatus.MISSING, now, words="not the name of a unit")
            return
        try:
            child = spawn_program(self._manager.status(unit))
        except OSError as error:
            self._states[unit] = ServiceState(unit, ServiceStatus.UNKNOWN, now,
                                              words=f"could not be queried: {error.strerror}")
            return
        self._children.add(unit, child, DEADLINE_SECONDS, now)

    def _answer(self, ended: Ended) -> ServiceState:
        if ended.exit_status is None:
            return ServiceState(ended.key, ServiceStatus.UNKNOWN, ended.began_boottime,
                                words=f"no answer within {DEADLINE_SECONDS:.0f}s")
        return self._manager.parse_status(ended.key, ended.exit_status, ended.text, ended.began_boottime)
