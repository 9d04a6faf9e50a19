"""The states of services, asked for in the background: often while a recovery waits for them, else seldom."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from types import MappingProxyType

from watchdog_oom.host.children import spawn_program
from watchdog_oom.host.services import ServiceManager, is_unit_name
from watchdog_oom.host.watched import Ended, WatchedChildren
from watchdog_oom.model import ServiceState, ServiceStatus

SOON_SECONDS = 0.5
SELDOM_SECONDS = 10.0
DEADLINE_SECONDS = 10.0
MOST_AT_ONCE = 4


class StatusPoller:
    """One question a unit at a time, few at once. A state carries the moment its question was asked, so it is never
    newer than it claims."""

    def __init__(self, manager: ServiceManager) -> None:
        self._manager = manager
        self._children = WatchedChildren()
        self._asked: dict[str, float] = {}
        self._states: dict[str, ServiceState] = {}

    def fileno(self) -> int:
        return self._children.fileno()

    @property
    def states(self) -> Mapping[str, ServiceState]:
        """The last answer of every unit that answered, or failed to, by the name it was asked by."""
        return MappingProxyType(dict(self._states))

    def next_deadline(self) -> float | None:
        """When ``poll`` must be called at the latest, in seconds of CLOCK_BOOTTIME."""
        return self._children.next_deadline()

    def ask(self, units: Iterable[str], now: float, *, soon: Container[str] = ()) -> None:
        """Ask for the states that are due: of all units every 10 s, of those in ``soon`` every 0.5 s, the longest
        waiting first. Units no longer asked for are forgotten."""
        wanted = set(units)
        for unit in self._asked.keys() - wanted:
            del self._asked[unit]
            self._states.pop(unit, None)
        due = [unit for unit in wanted if unit not in self._children
               and now - self._asked.get(unit, -SELDOM_SECONDS) >= (SOON_SECONDS if unit in soon else SELDOM_SECONDS)]
        for unit in sorted(due, key=lambda unit: (self._asked.get(unit, 0.0), unit)):
            if len(self._children) >= MOST_AT_ONCE:
                break
            self._begin(unit, now)

    def poll(self, now: float) -> None:
        """Take in the answers that came, and give up on questions older than 10 s."""
        for ended in self._children.poll(now):
            if ended.key in self._asked:
                self._states[ended.key] = self._answer(ended)

    def close(self) -> None:
        for unit in self._children:
            self._children.kill(unit)
        self._children.close()

    def _begin(self, unit: str, now: float) -> None:
        self._asked[unit] = now
        if not is_unit_name(unit):
            self._states[unit] = ServiceState(unit, ServiceStatus.MISSING, now, words="not the name of a unit")
            return
        try:
            child = spawn_program(self._manager.status(unit))
        except OSError as error:
            self._states[unit] = ServiceState(unit, ServiceStatus.UNKNOWN, now,
                                              words=f"could not be asked for: {error.strerror}")
            return
        self._children.add(unit, child, DEADLINE_SECONDS, now)

    def _answer(self, ended: Ended) -> ServiceState:
        if ended.exit_status is None:
            return ServiceState(ended.key, ServiceStatus.UNKNOWN, ended.began_boottime,
                                words=f"no answer within {DEADLINE_SECONDS:.0f}s")
        return self._manager.parse_status(ended.key, ended.exit_status, ended.text, ended.began_boottime)
