"""One snapshot of the host for a command: nothing is kept open or changed, and no read may take long."""

from __future__ import annotations

import os
import select
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, replace

from watchdog_oom.cli.daemon_lock import running_daemon
from watchdog_oom.core.matching import own_keys_match
from watchdog_oom.core.model import Clock, Process, ProcessId, ServiceState, ServiceStatus, Snapshot, SpoolState
from watchdog_oom.core.policy import Policy
from watchdog_oom.daemon.config import Config
from watchdog_oom.daemon.self_protection import missing_capabilities
from watchdog_oom.formatting import printable
from watchdog_oom.host.clock import boot_id, read_clock
from watchdog_oom.host.memory.meminfo import MemoryReader
from watchdog_oom.host.memory.psi import PressureReader
from watchdog_oom.host.memory.service_memory import ServiceMemoryReader, counted_services
from watchdog_oom.host.processes.demand import ScanDemand, contained_nouns, scan_demand
from watchdog_oom.host.processes.procfs import lineage
from watchdog_oom.host.processes.table import ProcessTable
from watchdog_oom.host.sensors import helpers_of
from watchdog_oom.host.services.choose import choose_manager
from watchdog_oom.host.services.manager import ServiceManager
from watchdog_oom.host.services.poller import StatusPoller
from watchdog_oom.host.spools.scanners import SpoolScanners

SERVICES_SECONDS = 3.0
SPOOL_SECONDS = 3.0
ANSWERS_SECONDS = 3.0
DESCRIBE_SECONDS = 0.5
_READING = ("CAP_SYS_PTRACE", "CAP_DAC_READ_SEARCH")


@dataclass(frozen=True, slots=True, weakref_slot=True)
class HostView:
    """The snapshot, what could not be read (in words), and what is needed to read more of it."""

    snapshot: Snapshot
    unread: tuple[str, ...]
    manager: ServiceManager
    proc: str
    table: ProcessTable

    def describable(self, process: Process) -> Process:
        """The process with all its facts, for output; unchanged if reading them fails."""
        try:
            return self.table.facts.described(process, DESCRIBE_SECONDS)
        except OSError:
            return process


def look(policy: Policy, config: Config, proc: str, runtime: str | None = None) -> HostView:
    """Read everything the rules use. The daemon of the directory ``runtime`` and its ancestors are untouchable."""
    manager = choose_manager(config.service_manager, init_dir=config.init_dir)
    clock = read_clock()
    memory, pressure, table = MemoryReader(proc), PressureReader(proc), ProcessTable(proc)
    try:
        readable, waits = memory.read(), pressure.read()
        daemon_pid = running_daemon(runtime) if runtime is not None else None
        ancestors = lineage(proc, daemon_pid) if daemon_pid else frozenset()
        want = replace(scan_demand(policy, readable, pressure=waits), everything=True)
        processes = _settled(table, want, clock)
        spools, users, unscanned = _spools(policy, clock, proc, want.under, table.spool_users)
        processes |= {identity.pid: replace(processes[identity.pid], under=users.get(identity))
                      for identity in table.spool_users if identity.pid in processes}
        if os.path.realpath(proc) == "/proc":
            processes.pop(os.getpid(), None)  # this command is not part of the host it describes
        snapshot = Snapshot(
            clock=clock, boot_id=boot_id(proc), memory=readable, memory_problem=memory.problem, pressure=waits,
            processes=processes, spools=spools,
            services=_with_memory(policy, manager, proc, _services(policy, manager, processes)),
            skipped={**table.skipped, **table.facts.slow_patterns()},
            lineage=ancestors | (helpers_of(daemon_pid, processes) if daemon_pid else frozenset()))
        doubts = readable.doubts if readable is not None else ()
        problems = (memory.problem and f"memory: {memory.problem}", *doubts, memory.trouble)
    finally:
        memory.close()
        pressure.close()
    unread = (*(problem for problem in problems if problem), *unscanned, *_unread(snapshot))
    view = HostView(snapshot, unread, manager, proc, table)
    weakref.finalize(view, table.facts.close)
    return view


def _settled(table: ProcessTable, demand: ScanDemand, clock: Clock) -> dict[int, Process]:
    """The processes, with all that children like the daemon's have to read, as far as that arrives within a few
    seconds."""
    deadline = time.monotonic() + ANSWERS_SECONDS
    processes = table.scan(demand, clock.boottime)
    while table.facts.pending and time.monotonic() < deadline:
        table.facts.wait(deadline - time.monotonic())
        processes = table.scan(demand, clock.boottime)
    return dict(processes)


def _spools(
    policy: Policy, clock: Clock, proc: str, under: frozenset[str], asked: tuple[ProcessId, ...]
) -> tuple[dict[str, SpoolState], Mapping[ProcessId, frozenset[str]], tuple[str, ...]]:
    """The spools and who uses them, as scanned by a child like the daemon's within a few seconds; and messages about
    those that would have taken too long, whose figures, if there are any, are lower bounds."""
    if not policy.spools:
        return {}, {}, ()
    scanners = SpoolScanners(proc)
    poll = select.poll()
    poll.register(scanners.fileno(), select.POLLIN)
    deadline = time.monotonic() + SPOOL_SECONDS
    try:
        while True:
            states = scanners.look(policy.spools, clock, under=under)
            scanners.ask(asked)
            late = [name for name in policy.spools if name not in states or not states[name].finished]
            left = deadline - time.monotonic()
            if left <= 0 or not (late or any(identity not in scanners.users for identity in asked)):
                break
            poll.poll(min(left, 0.1) * 1000)
            clock = read_clock(clock.offsets)
    finally:
        scanners.close()
    unscanned = [f"spool {name}: {printable(policy.spools[name].path)} could not be scanned within {SPOOL_SECONDS:g}s"
                 for name in late]
    unknown = sum(identity not in scanners.users for identity in asked)
    if unknown:
        unscanned.append(f"the use of spools by {unknown} processes could not be read within {SPOOL_SECONDS:g}s")
    return states, scanners.users, tuple(unscanned)


def _services(policy: Policy, manager: ServiceManager, processes: Mapping[int, Process]) -> dict[str, ServiceState]:
    """The states by service noun, and by unit of those that may be contained, all requested together; without an
    answer in time the state is UNKNOWN."""
    units = {name: service.unit for name, service in policy.services.items()}
    contained = [policy.processes[name] for name in contained_nouns(policy)]
    units |= {process.facts.unit: process.facts.unit for process in processes.values()
              if process.facts.unit and any(own_keys_match(noun, process) for noun in contained)}
    if not units:
        return {}
    poller = StatusPoller(manager)
    try:
        deadline = time.monotonic() + SERVICES_SECONDS
        while True:
            now = time.clock_gettime(time.CLOCK_BOOTTIME)
            poller.ask(units.values(), now)
            poller.poll(now)
            left = deadline - time.monotonic()
            if left <= 0 or all(unit in poller.states for unit in units.values()):
                break
            select.select([poller.fileno()], [], [], min(left, 0.1))
        late = f"no answer within {SERVICES_SECONDS:g}s"
        return {name: poller.states.get(unit) or ServiceState(unit, ServiceStatus.UNKNOWN, now, words=late)
                for name, unit in units.items()}
    finally:
        poller.close()


def _with_memory(policy: Policy, manager: ServiceManager, proc: str,
                 states: Mapping[str, ServiceState]) -> dict[str, ServiceState]:
    """The states, with what the services hold about which a clause asks."""
    reader = ServiceMemoryReader(proc, grouped=manager.name == "systemd")
    try:
        return reader.complete(states, counted_services(policy), time.clock_gettime(time.CLOCK_BOOTTIME))
    finally:
        reader.close()


def _unread(snapshot: Snapshot) -> tuple[str, ...]:
    """What this user may not read, and what could not be read at all."""
    missing = missing_capabilities()
    if os.geteuid() != 0:
        missing = tuple(f"not root ({text})" for text in missing if text.startswith(_READING))
    skipped = tuple(f"{count} readings of kind {kind!r} failed" for kind, count in snapshot.skipped.items())
    return (*missing, *skipped)
