"""A host on which everything goes well: it is looked at as the daemon looks, and what is planned is done to it.

It shows no more than the real sensors would be asked for, so that a policy that needs what nobody reads fails here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from watchdog_oom.cli.policy_test.scene import BEGAN, WALL, Scene
from watchdog_oom.cli.policy_test.sensed import as_sensed
from watchdog_oom.cli.policy_test.spools import SimulatedSpools
from watchdog_oom.cli.policy_test.units import SimulatedUnits
from watchdog_oom.core.actions import (
    Action,
    Contain,
    Intent,
    Plan,
    Probe,
    Purge,
    Release,
    RunCommand,
    SetOomScoreAdj,
    Signal,
    SignalName,
    StartUnit,
    StopUnit,
    Watch,
)
from watchdog_oom.core.hook_action import RunHook
from watchdog_oom.core.memory import Memory
from watchdog_oom.core.model import Clock, Process, Snapshot
from watchdog_oom.core.outcome import EffectReport, Outcome
from watchdog_oom.host.processes.demand import ScanDemand, scan_demand
from watchdog_oom.lean_dataclasses import replace
from watchdog_oom.lean_typing import assert_never

TAKES_SECONDS = 1.0  # whatever is slow: jobs of services, purges, probes, commands
_STATES = {SignalName.STOP: "T", SignalName.CONT: "S"}


class SimulatedHost:
    """The host of a scene, its clock and what is under way on it."""

    def __init__(self, scene: Scene) -> None:
        self.elapsed = 0.0
        self._scene = scene
        self._policy = scene.policy
        self._processes = dict(scene.processes)
        self._units = SimulatedUnits(scene)
        self._spools = SimulatedSpools(scene)
        self._kills = scene.kills
        self._freed_bytes = self._freed_swap_bytes = 0
        self._reports: list[EffectReport] = []
        self._pending: list[tuple[float, str, Callable[[], bool]]] = []
        self._last_scan: tuple[ScanDemand, Mapping[int, Process]] | None = None

    @property
    def busy(self) -> bool:
        """Whether something is under way, or ended and is not told yet."""
        return bool(self._pending or self._reports)

    def pass_time(self, seconds: float) -> None:
        self.elapsed += seconds
        due = [job for job in self._pending if job[0] <= self.elapsed]
        self._pending = [job for job in self._pending if job[0] > self.elapsed]
        for _, intent_id, act in due:
            self._last_scan = None
            self._report(intent_id, act(), TAKES_SECONDS)

    def look(self, watch: Watch) -> Snapshot:
        """The host as the sensors show it while they are asked for ``watch``."""
        memory = self._memory()
        demand = scan_demand(self._policy, memory, watch, self._scene.pressure)
        recorded = self._scene.recorded
        reports, self._reports = tuple(self._reports), []
        kills, self._kills = self._kills, ()
        now = BEGAN + self.elapsed
        minute = (self._scene.minute + int(self.elapsed // 60)) % (24 * 60)
        return Snapshot(Clock(WALL + self.elapsed, now, minute), "simulated", memory, pressure=self._scene.pressure,
                        processes=self._scan(demand), spools=self._spools.states(now),
                        services=self._units.states(watch.services, now), kernel_kills=kills, reports=reports,
                        lineage=recorded.lineage if recorded is not None else frozenset())

    def _scan(self, demand: ScanDemand) -> Mapping[int, Process]:
        """The last one again while it would come out the same: a case may last for days of ticks."""
        if self._last_scan is None or self._last_scan[0] != demand:
            self._last_scan = (demand, as_sensed(self._processes, demand))
        return self._last_scan[1]

    def perform(self, plan: Plan) -> None:
        for intent in plan.intents:
            self._perform(intent, intent.action)
            self._last_scan = None

    def _memory(self) -> Memory:
        """What the ended held is available again."""
        memory, freed = self._scene.memory, self._freed_bytes
        return replace(memory, available_bytes=min(memory.total_bytes, memory.available_bytes + freed),
                       anonymous_bytes=max(0, memory.anonymous_bytes - freed),
                       swap_free_bytes=min(memory.swap_total_bytes, memory.swap_free_bytes + self._freed_swap_bytes))

    def _perform(self, intent: Intent, action: Action) -> None:
        match action:
            case Signal():
                self._report(intent.id, self._signalled(action))
            case SetOomScoreAdj(target=target, value=value):
                process = self._processes.get(target.pid)
                if process is not None:
                    self._processes[target.pid] = replace(process, oom_score_adj=value)
                self._report(intent.id, process is not None)
            case StopUnit(unit=unit):
                self._later(intent, lambda: self._stopped(unit))
            case StartUnit(unit=unit):
                self._later(intent, lambda: self._units.start(unit))
            case Purge(spool=spool, limit=limit):
                self._later(intent, lambda: self._spools.purge(spool, limit))
            case Probe(service=service):
                self._later(intent, lambda: self._units.answers(service))
            case Contain() | Release():
                self._later(intent, lambda: self._units.bind(action))
            case RunCommand() | RunHook():
                self._later(intent, lambda: True)
            case _:
                assert_never(action)

    def _later(self, intent: Intent, act: Callable[[], bool]) -> None:
        self._pending.append((self.elapsed + TAKES_SECONDS, intent.id, act))

    def _report(self, intent_id: str, ok: bool, took_seconds: float | None = None) -> None:
        outcome = Outcome(ok, "done" if ok else "it did not work")
        self._reports.append(EffectReport(intent_id, outcome, took_seconds, BEGAN + self.elapsed))

    def _signalled(self, action: Signal) -> bool:
        process = self._processes.get(action.target.pid)
        if process is None or process.id != action.target:
            return False
        if action.signal in _STATES:
            self._processes[process.pid] = replace(process, state=_STATES[action.signal])
        elif action.signal is SignalName.KILL or not self._scene.habits.get(process.pid, {}).get("ignores_term"):
            self._end(process)
        return True

    def _stopped(self, unit: str) -> bool:
        """The unit is down, and with it all of its processes but those that outlive it."""
        if not self._units.stop(unit):
            return False
        for process in tuple(self._processes.values()):
            if process.facts.unit == unit and not self._scene.habits.get(process.pid, {}).get("survives_stop"):
                self._end(process)
        return True

    def _end(self, process: Process) -> None:
        """Its children go to pid 1, and its memory comes back."""
        del self._processes[process.pid]
        share = process.sharing.pss_bytes if process.sharing is not None else None
        self._freed_bytes += process.rss_bytes if share is None else share
        self._freed_swap_bytes += process.swap_bytes or 0
        for child in tuple(self._processes.values()):
            if child.ppid == process.pid:
                self._processes[child.pid] = replace(child, ppid=1, reparented=True)
