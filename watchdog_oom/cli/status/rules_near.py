"""How near the rules are to acting, for ``status``: the daemon's policy held against what this command reads itself.

Processes and memory are read here, at most every two seconds; spools and services are taken from the daemon's status,
since their reading takes long.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping

from watchdog_oom.cli.status.cleans import nearness
from watchdog_oom.cli.status.values import Plain, map_of, number_of, texts_of
from watchdog_oom.core.memory import ServiceMemory
from watchdog_oom.core.model import Process, ProcessId, ServiceState, ServiceStatus, Snapshot, SpoolState
from watchdog_oom.core.policy import Policy
from watchdog_oom.core.view import View
from watchdog_oom.errors import PolicyError, WatchdogError
from watchdog_oom.explain.closeness import Closeness, closest_first
from watchdog_oom.host.clock import read_clock
from watchdog_oom.host.memory.meminfo import MemoryReader
from watchdog_oom.host.memory.psi import PressureReader
from watchdog_oom.host.processes.demand import scan_demand
from watchdog_oom.host.processes.procfs import helpers_of, lineage
from watchdog_oom.host.processes.table import ProcessTable
from watchdog_oom.lean_dataclasses import dataclass
from watchdog_oom.policy.build import build_policy
from watchdog_oom.policy.load import load_policy

EVERY_SECONDS = 2.0
ANSWERS_SECONDS = 0.1  # for what children read at the first look: command lines, names of users


@dataclass(frozen=True, slots=True)
class NearRules:
    """The daemon's policy, and its rules, the nearest first; ``problem`` says why they are not known."""

    policy: Policy | None = None
    rules: tuple[Closeness, ...] = ()
    problem: str = ""


class RuleWatch:
    """Keeps the policy and the process table from one look to the next."""

    def __init__(self) -> None:
        self._policy: Policy | None = None
        self._problem = ""
        self._loaded: object = None
        self._table = ProcessTable()
        self._memory, self._pressure = MemoryReader(), PressureReader()
        self._latest = NearRules()
        self._looked = float("-inf")

    def look(self, status: Plain) -> NearRules:
        """The rules now; the same answer again within two seconds."""
        if time.monotonic() - self._looked < EVERY_SECONDS:
            return self._latest
        self._load(map_of(status, "policy"))
        policy = self._policy
        self._latest = (NearRules(problem=self._problem) if policy is None
                        else NearRules(policy, closest_first(View(self._snapshot(policy, status), policy),
                                                                nearness(map_of(status, "cleans"), time.time()))))
        self._looked = time.monotonic()
        return self._latest

    def close(self) -> None:
        self._table.facts.close()
        self._memory.close()
        self._pressure.close()

    def _load(self, told: Plain) -> None:
        """The policy that the daemon says it has, read again when the daemon has done so."""
        loaded = (number_of(told, "loaded"), texts_of(told, "sources"), told.get("stale"))
        if loaded == self._loaded:
            return
        self._loaded, self._policy, self._problem = loaded, None, ""
        if told.get("stale") or not texts_of(told, "sources"):
            self._problem = "the policy in force is not the one in its files"
            return
        try:
            self._policy = build_policy(load_policy([], texts_of(told, "sources"), check_ownership=False).ir)
        except PolicyError:
            self._problem = "the policy files cannot be read here, or have changed: see watchdog-oom check"
        except (OSError, WatchdogError) as error:
            self._problem = str(error)

    def _snapshot(self, policy: Policy, status: Plain) -> Snapshot:
        clock, memory, pressure = read_clock(), self._memory.read(), self._pressure.read()
        demand = scan_demand(policy, memory, pressure=pressure)
        processes = dict(self._table.scan(demand, clock.boottime))
        deadline = time.monotonic() + ANSWERS_SECONDS
        while self._looked < 0 and self._table.facts.pending and time.monotonic() < deadline:
            self._table.facts.wait(deadline - time.monotonic())
            processes = dict(self._table.scan(demand, clock.boottime))
        processes.pop(os.getpid(), None)
        return Snapshot(clock=clock, memory=memory, memory_problem=self._memory.problem, pressure=pressure,
                        processes=processes, spools=_spools(policy, status, clock.boottime),
                        services=_services(status, clock.boottime),
                        lineage=_daemons_own(int(number_of(status, "pid")), processes))


def _daemons_own(pid: int, processes: Mapping[int, Process]) -> frozenset[ProcessId]:
    return lineage("/proc", pid) | helpers_of(pid, processes)


def _spools(policy: Policy, status: Plain, now: float) -> dict[str, SpoolState]:
    """The daemon's figures of its spools; the space around them is not among these."""
    return {name: SpoolState(
        scanned_boottime=now, problem=spool.get("problem"), entries=int(number_of(spool, "entries")),
        stale=int(number_of(spool, "stale")), size_bytes=int(number_of(spool, "size_bytes")),
        oldest_seconds=number_of(spool, "oldest_seconds"), complete=bool(spool.get("complete", True)),
        gaps=spool.get("gaps")) for name, spool in map_of(status, "spools").items() if name in policy.spools}


def _services(status: Plain, now: float) -> dict[str, ServiceState]:
    known = {kind.value: kind for kind in ServiceStatus}
    return {name: ServiceState(str(service.get("unit")), known.get(str(service.get("status")), ServiceStatus.UNKNOWN),
                               now, words=str(service.get("words") or ""), memory=_service_memory(service))
            for name, service in map_of(status, "services").items()}


def _service_memory(service: Plain) -> ServiceMemory | None:
    held = map_of(service, "memory")
    if not held:
        return None
    known = held.get("held_bytes") is not None
    return ServiceMemory(int(number_of(held, "held_bytes")) if known else None, int(number_of(held, "cache_bytes")),
                         str(held.get("problem") or ""))
