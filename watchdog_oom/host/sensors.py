"""All readers together: one reading of the host makes one Snapshot. A failed reading is counted, never fatal."""

from __future__ import annotations

import os
import select
from collections.abc import Iterable

from watchdog_oom.core.actions import Watch
from watchdog_oom.core.model import KernelKill, ServiceState, Snapshot
from watchdog_oom.core.outcome import EffectReport
from watchdog_oom.core.policy import Emergency, Policy
from watchdog_oom.core.shortage import met, near
from watchdog_oom.host.clock import boot_id, read_clock
from watchdog_oom.host.memory.kernel_kills import KernelKills
from watchdog_oom.host.memory.kmsg import KmsgReader
from watchdog_oom.host.memory.meminfo import MemoryReader
from watchdog_oom.host.memory.psi import OomKillCounter, PressureReader, arm_trigger
from watchdog_oom.host.memory.service_memory import ServiceMemoryReader, counted_services
from watchdog_oom.host.processes.demand import StandingDemand
from watchdog_oom.host.processes.procfs import helpers_of, lineage
from watchdog_oom.host.processes.table import ProcessTable
from watchdog_oom.host.services.manager import ServiceManager
from watchdog_oom.host.services.poller import StatusPoller
from watchdog_oom.host.spools.scanners import SpoolScanners
from watchdog_oom.lean_dataclasses import replace

SETTLE_SECONDS = 0.1


class Sensors:
    """Everything that is read, below ``proc``; ``filenos`` become readable when an event makes a tick worthwhile."""

    def __init__(self, proc: str, manager: ServiceManager, *, kmsg: str = "/dev/kmsg") -> None:
        self.boot_id = boot_id(proc)
        self.processes = ProcessTable(proc)
        self._offsets: tuple[float, ...] = ()
        self._memory = MemoryReader(proc)
        self._pressure = PressureReader(proc)
        self._kmsg = KmsgReader(kmsg)
        self._kills = KernelKills(self._kmsg, OomKillCounter(proc))
        self._services = StatusPoller(manager)
        self._service_memory = ServiceMemoryReader(proc, grouped=manager.name == "systemd")
        self._spools = SpoolScanners(proc)
        self._departures = 0
        self._standing: StandingDemand | None = None
        self._lineage = lineage(proc, os.getpid())
        self._trigger = arm_trigger(proc)
        self._trigger_poll = select.epoll()
        if self._trigger is not None:
            self._trigger_poll.register(self._trigger.fileno(), select.EPOLLPRI)

    def filenos(self) -> tuple[int, ...]:
        """What the loop waits on. The pressure trigger is inside an epoll, since selectors do not support POLLPRI."""
        candidates = (self._trigger_poll.fileno(), self._kmsg.fileno(), self._services.fileno(), self._spools.fileno(),
                      *self.processes.facts.filenos())
        return tuple(fd for fd in candidates if fd >= 0)

    def troubles(self) -> tuple[str, ...]:
        """What cannot be read on this host, in words, for the start record."""
        pressure = () if self._trigger is not None else ("no pressure trigger: memory is read by the clock only",)
        return tuple(text for text in (self._kmsg.problem, *pressure, self._memory.trouble) if text)

    def look(self, policy: Policy, watch: Watch, reports: tuple[EffectReport, ...]) -> Snapshot:
        """The host now, with what ``watch`` asks for; ``reports`` are how effects came out since the last look."""
        clock = read_clock(self._offsets)
        self._offsets = clock.offsets
        memory, pressure = self._memory.read(), self._pressure.read()
        self._trigger_poll.poll(0)
        units = units_of(policy, watch.services)
        self._services.ask(units.values(), clock.boottime, often=frozenset(units.values()) if watch.often else (),
                           calm=self._nobody_left())
        self._services.poll(clock.boottime)
        gaps = self._kmsg.lost
        kills = self._kernel_kills(clock.boottime)
        demand = self._standing_demand(policy).now(memory, watch, pressure)
        spools = self._spools.look(policy.spools, clock, under=demand.under,
                                   sparing=memory is not None and near(memory, policy.emergency, pressure))
        processes = self.processes.scan(replace(demand, users=self._spools.users), clock.boottime)
        self._spools.ask(self.processes.spool_users)
        return Snapshot(
            clock=clock, boot_id=self.boot_id, memory=memory, memory_problem=self._memory.problem,
            pressure=pressure, processes=processes, spools=spools, kernel_kills=kills,
            services=self._states(units, counted_services(policy), clock.boottime),
            kernel_log_gaps=self._kmsg.lost - gaps, reports=reports,
            lineage=self._lineage | helpers_of(os.getpid(), processes), skipped=self._skipped())

    def settle(self) -> None:
        """Wait a little for answers that are outstanding: before READY, when nothing depends on the loop yet."""
        self.processes.facts.wait(SETTLE_SECONDS)

    def emergency_is_met(self, emergency: Emergency) -> bool:
        """A glance at memory alone, between two ticks; a failed reading does not cause a tick."""
        memory = self._memory.read()
        return memory is not None and met(memory, emergency)

    def rescan_spool(self, name: str) -> None:
        """The spool was purged: its last scan is out of date."""
        self._spools.rescan(name)

    def close(self) -> None:
        for part in (self._memory, self._pressure, self._kills, self._services, self._service_memory,
                     self._spools, self.processes.facts, self._trigger, self._trigger_poll):
            if part is not None:
                part.close()

    def _kernel_kills(self, boottime: float) -> tuple[KernelKill, ...]:
        return self._kills.read(boottime, self.processes.last_seen)

    def _standing_demand(self, policy: Policy) -> StandingDemand:
        """Worked out anew only for another policy: it takes a thirtieth of all that a calm tick does."""
        if self._standing is None or self._standing.policy is not policy:
            self._standing = StandingDemand(policy)
        return self._standing

    def _nobody_left(self) -> bool:
        """Whether no process has ended since the last tick: then no service has died either."""
        before, self._departures = self._departures, self.processes.departures
        return before == self._departures

    def _states(self, units: dict[str, str], counted: Iterable[str], boottime: float) -> dict[str, ServiceState]:
        known = self._services.states
        states = {name: known[unit] for name, unit in units.items() if unit in known}
        return self._service_memory.complete(states, counted, boottime)

    def _skipped(self) -> dict[str, int]:
        counts = {"memory": self._memory.skipped, "memory (contradicted itself)": self._memory.doubted,
                  "pressure": self._pressure.skipped, "kernel log (overwritten unread)": self._kills.gaps,
                  **self.processes.skipped, **self.processes.facts.slow_patterns()}
        return {kind: count for kind, count in counts.items() if count}


def units_of(policy: Policy, names: Iterable[str]) -> dict[str, str]:
    """Units to ask the service manager about, by service noun; a trigger stands for itself."""
    return {name: policy.services[name].unit if name in policy.services else name for name in names}
