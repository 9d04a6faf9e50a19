"""The service manager of the simulated host: units that are up, down or failed, and how starts and stops go."""

from __future__ import annotations

from collections.abc import Iterable

from watchdog_oom.cli.policy_test.case import Given
from watchdog_oom.cli.policy_test.scene import Scene
from watchdog_oom.core.actions import Contain, Release
from watchdog_oom.core.memory import ServiceMemory
from watchdog_oom.core.model import UNLIMITED_BYTES, ServiceState, ServiceStatus
from watchdog_oom.host.memory.service_memory import counted_services
from watchdog_oom.lean_dataclasses import dataclass, field

_AS_USUAL = Given((), {})
_NO_GROUP = "nothing is given of its control group"


@dataclass(slots=True)
class SimulatedUnit:
    """``given`` is what the case says of it; ``main_pid`` changes at each start."""

    given: Given = _AS_USUAL
    status: ServiceStatus = ServiceStatus.ACTIVE
    main_pid: int = 2
    bounds: tuple[int, int] = field(default_factory=lambda: (UNLIMITED_BYTES, UNLIMITED_BYTES))
    emptied: bool = False


class SimulatedUnits:
    """Units nobody speaks of are active."""

    def __init__(self, scene: Scene) -> None:
        self._policy = scene.policy
        self._counted = counted_services(scene.policy)
        self._units: dict[str, SimulatedUnit] = {}
        recorded = scene.recorded.services if scene.recorded is not None else {}
        for name, noun in scene.policy.services.items():
            given = scene.case.services.get(name, _AS_USUAL)
            seen = recorded.get(name)
            status = ServiceStatus(given.get("state", "active" if seen is None else seen.status.value))
            if seen is not None and seen.memory is not None and seen.memory.held_bytes is not None:
                group = {"memory": seen.memory.held_bytes, "cache": seen.memory.cache_bytes}
                given = Given(given.path, {**group, **given.values})
            self._units[noun.unit] = SimulatedUnit(given, status)
        self._pids = len(self._units) + 2

    def states(self, names: Iterable[str], now: float) -> dict[str, ServiceState]:
        """Those asked for, by the names of services or of units; as of now, as if the manager answered at once."""
        units = {name: self._policy.services[name].unit if name in self._policy.services else name for name in names}
        return {name: self._state(name, unit, now) for name, unit in units.items()}

    def _state(self, name: str, unit: str, now: float) -> ServiceState:
        found = self._unit(unit)
        up = found.status is ServiceStatus.ACTIVE
        return ServiceState(unit, found.status, now, found.main_pid if up else 0, memory_high_bytes=found.bounds[0],
                            memory_max_bytes=found.bounds[1],
                            memory=self._memory(found) if name in self._counted else None)

    def _memory(self, unit: SimulatedUnit) -> ServiceMemory:
        if unit.emptied or unit.status in (ServiceStatus.INACTIVE, ServiceStatus.FAILED):
            return ServiceMemory(0)
        if "memory" not in unit.given.values:
            return ServiceMemory(problem=_NO_GROUP)
        return ServiceMemory(unit.given.get("memory"), unit.given.get("cache", 0))

    def start(self, name: str) -> bool:
        unit = self._unit(name)
        if unit.status is not ServiceStatus.ACTIVE:
            works = unit.given.get("starts", True) and unit.status is not ServiceStatus.MISSING
            unit.status = ServiceStatus.ACTIVE if works else ServiceStatus.FAILED
            self._pids += 1
            unit.main_pid = self._pids
        return unit.status is ServiceStatus.ACTIVE

    def stop(self, name: str) -> bool:
        """What its control group held is given back, whether it is started again or not."""
        unit = self._unit(name)
        if not unit.given.get("stops", True):
            return False
        unit.status, unit.emptied = ServiceStatus.INACTIVE, True
        return True

    def answers(self, service: str) -> bool:
        unit = self._unit(self._policy.services[service].unit)
        return bool(unit.given.get("answers", True)) and unit.status is ServiceStatus.ACTIVE

    def bind(self, action: Contain | Release) -> bool:
        unit = self._unit(action.unit)
        most = unit.bounds[1] if action.memory_max_bytes is None else action.memory_max_bytes
        unit.bounds = (action.memory_high_bytes, most)
        return True

    def _unit(self, name: str) -> SimulatedUnit:
        return self._units.setdefault(name, SimulatedUnit())
