"""The states of services for a command: asked for at once, in children, and collected when the rest has been read.

An init script takes a tenth of a second and more to say how its service is, mostly of another processor.
"""

from __future__ import annotations

import select
import time
from collections.abc import Iterable, Mapping

from watchdog_oom.core.matching import own_keys_match
from watchdog_oom.core.model import Process, ServiceState, ServiceStatus
from watchdog_oom.core.policy import Policy
from watchdog_oom.host.processes.demand import contained_nouns
from watchdog_oom.host.services.manager import ServiceManager
from watchdog_oom.host.services.poller import StatusPoller

SERVICES_SECONDS = 3.0


class ServiceAnswers:
    """Asks about the services that the policy names when it is made. Close it in any case."""

    def __init__(self, policy: Policy, manager: ServiceManager) -> None:
        self._policy = policy
        self._units = {name: service.unit for name, service in policy.services.items()}
        self._poller = StatusPoller(manager)
        self._deadline = time.monotonic() + SERVICES_SECONDS
        self._ask()

    def of(self, processes: Iterable[Process]) -> Mapping[str, ServiceState]:
        """The states by service noun, and by unit of those of these processes that may be contained; without an answer
        in time the state is UNKNOWN."""
        contained = [self._policy.processes[name] for name in contained_nouns(self._policy)]
        self._units |= {process.facts.unit: process.facts.unit for process in processes
                        if process.facts.unit and any(own_keys_match(noun, process) for noun in contained)}
        now = self._ask()
        while any(unit not in self._poller.states for unit in self._units.values()):
            left = self._deadline - time.monotonic()
            if left <= 0:
                break
            select.select([self._poller.fileno()], [], [], min(left, 0.1))
            now = self._ask()
        late = f"no answer within {SERVICES_SECONDS:g}s"
        return {name: self._poller.states.get(unit) or ServiceState(unit, ServiceStatus.UNKNOWN, now, words=late)
                for name, unit in self._units.items()}

    def close(self) -> None:
        self._poller.close()

    def _ask(self) -> float:
        """Ask what is to be asked, take what was answered, and ask the next, of which few may be asked at once."""
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        self._poller.poll(now)
        self._poller.ask(self._units.values(), now)
        return now
