"""One snapshot of the host for a command: nothing is kept open or changed, and no read may take long."""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass

from watchdog_oom.cli.daemon_lock import running_daemon
from watchdog_oom.cli.service_answers import ServiceAnswers
from watchdog_oom.cli.spool_answers import SpoolAnswers
from watchdog_oom.core.model import Clock, Process, ServiceState, Snapshot
from watchdog_oom.core.policy import Policy
from watchdog_oom.daemon.config import Config
from watchdog_oom.daemon.self_protection import missing_capabilities
from watchdog_oom.host.clock import boot_id, read_clock
from watchdog_oom.host.memory.meminfo import MemoryReader
from watchdog_oom.host.memory.psi import PressureReader
from watchdog_oom.host.memory.service_memory import ServiceMemoryReader, counted_services
from watchdog_oom.host.processes.demand import ScanDemand, scan_demand
from watchdog_oom.host.processes.procfs import helpers_of, lineage
from watchdog_oom.host.processes.table import ProcessTable
from watchdog_oom.host.services.choose import choose_manager
from watchdog_oom.host.services.manager import ServiceManager
from watchdog_oom.lean_dataclasses import replace

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


def look(policy: Policy, config: Config, proc: str, runtime: str | None = None, *, ranked: bool = True) -> HostView:
    """Read everything the rules use. The daemon of the directory ``runtime`` and its ancestors are untouchable.
    ``ranked``: who would be ended in an emergency matters also while there is none.

    What is asked of others is asked first, and its answers are collected last.
    """
    manager = choose_manager(config.service_manager, init_dir=config.init_dir)
    clock = read_clock()
    with ExitStack() as stack:
        memory = stack.enter_context(closing(MemoryReader(proc)))
        pressure = stack.enter_context(closing(PressureReader(proc)))
        readable, waits = memory.read(), pressure.read()
        want = replace(scan_demand(policy, readable, pressure=waits), judged=True)
        want = replace(want, everything=ranked or want.everything)
        table = ProcessTable(proc)
        table.facts.want(want.nouns)
        services = stack.enter_context(closing(ServiceAnswers(policy, manager)))
        spools = stack.enter_context(closing(SpoolAnswers(policy, clock, proc, want.under)))
        daemon_pid = running_daemon(runtime) if runtime is not None else None
        ancestors = lineage(proc, daemon_pid) if daemon_pid else frozenset()
        processes = _settled(table, want, clock)
        spools.collect(table.spool_users)
        processes |= {identity.pid: replace(processes[identity.pid], under=spools.users.get(identity))
                      for identity in table.spool_users if identity.pid in processes}
        if os.path.realpath(proc) == "/proc":
            processes.pop(os.getpid(), None)  # this command is not part of the host it describes
        snapshot = Snapshot(
            clock=clock, boot_id=boot_id(proc), memory=readable, memory_problem=memory.problem, pressure=waits,
            processes=processes, spools=spools.states,
            services=_with_memory(policy, manager, proc, services.of(processes.values())),
            skipped={**table.skipped, **table.facts.slow_patterns()},
            lineage=ancestors | (helpers_of(daemon_pid, processes) if daemon_pid else frozenset()))
        doubts = readable.doubts if readable is not None else ()
        problems = (memory.problem and f"memory: {memory.problem}", *doubts, memory.trouble)
        unread = (*(problem for problem in problems if problem), *spools.unscanned, *_unread(snapshot))
    view = HostView(snapshot, unread, manager, proc, table)
    weakref.finalize(view, table.facts.close)
    return view


def _settled(table: ProcessTable, demand: ScanDemand, clock: Clock) -> dict[int, Process]:
    """The processes, with all that children like the daemon's have to read, as far as that arrives within a few
    seconds. Names of users, which were asked for, are awaited first: one that came later would have everybody matched
    again."""
    deadline = time.monotonic() + ANSWERS_SECONDS
    while table.facts.pending and time.monotonic() < deadline:
        table.facts.wait(deadline - time.monotonic())
        table.facts.poll()
    processes = table.scan(demand, clock.boottime)
    if table.facts.pending:
        in_between = replace(demand, everything=False, judged=False)  # whom it is about matters, not how he fares
        while table.facts.pending and time.monotonic() < deadline:
            table.facts.wait(deadline - time.monotonic())
            table.scan(in_between, clock.boottime)
        processes = table.scan(demand, clock.boottime)
    return dict(processes)


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
