"""What the sensors read: the frozen Snapshot, its parts, and the identities everything else refers to.

Names carry their units. Times named ``boottime`` are seconds of CLOCK_BOOTTIME, which neither jumps when the date is
set nor stops during suspend; ``wall`` is seconds since the epoch and is used only for output and to judge file times.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from watchdog_oom.core.memory import Memory, Pressure, ServiceMemory, Sharing
from watchdog_oom.core.outcome import EffectReport
from watchdog_oom.formatting import process_label
from watchdog_oom.lean_dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, order=True)
class ProcessId:
    """One process of this boot: the kernel reuses pids, but not together with the start time (proc(5), field 22)."""

    pid: int
    start_ticks: int

    def __str__(self) -> str:
        return f"{self.pid}@{self.start_ticks}"


@dataclass(frozen=True, slots=True, order=True)
class EntryId:
    """The inode of one directory entry, whatever its name."""

    device: int
    inode: int


@dataclass(frozen=True, slots=True)
class Clock:
    """The time of a snapshot.

    ``offsets`` are the distinct values of wall − boottime seen since the daemon started, newest last: after the date
    was set, a file's age is judged by the clock that makes it youngest, so a jump never makes anything stale.
    """

    wall: float
    boottime: float
    local_minute: int = 0
    offsets: tuple[float, ...] = ()

    def age_of_stamp(self, stamp_seconds: float) -> float:
        """Age in seconds of a file time: the lowest age by any of ``offsets``, never below zero."""
        readings = (*self.offsets, self.wall - self.boottime)
        ages = [self.boottime + offset - stamp_seconds for offset in readings]
        return min((age for age in ages if age >= 0), default=0.0)


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts read once per process image; ``None`` means not read or not readable.

    ``exe`` has the kernel's `` (deleted)`` suffix stripped; ``cmdline`` is joined by spaces and forgeable; ``unit`` is
    the systemd unit of the cgroup path, and ``user_unit`` that of a user's own manager below it, as
    ``user@1000.service/worker.service``. ``cmdline_has`` and ``cmdline_lacks`` are the policy's patterns that were
    searched for in the command line, by whether they were found there: whoever reads a command line searches it, within
    a time (host/processes/pattern_search.py), and nobody else does. ``asked`` names the facts (of ``matching.Fact``)
    whose answer is outstanding: they are not known, which is neither yes nor no.
    ``host_namespaces``: it is of the daemon's own user and pid namespace; ``exe_mounted``: its executable lies where
    its path says, on a mount of its own mount namespace.
    """

    exe: str | None = None
    cmdline: str | None = None
    uid: int | None = None
    user: str | None = None
    unit: str | None = None
    cmdline_has: frozenset[re.Pattern[str]] = frozenset()
    cmdline_lacks: frozenset[re.Pattern[str]] = frozenset()
    asked: frozenset[str] = frozenset()
    host_namespaces: bool | None = None
    exe_mounted: bool | None = None
    user_unit: str | None = None


NO_FACTS = Facts()


@dataclass(frozen=True, slots=True)
class Process:
    """One process as last read.

    ``image`` changes at every exec; ``tty`` is the controlling terminal's device number or 0; ``badness`` is
    /proc/PID/oom_score; ``under`` names the spools in which the process has its working directory or an open file.
    ``swap_bytes``, ``oom_score_adj``, ``badness`` and ``under`` are read only of those whom a rule asks about, of all
    when an emergency is near; ``None`` means not read or not readable, of ``under`` that it is not known yet.
    ``sharing`` is read while processes of its noun seem to hold more together than a rule allows. ``reparented``: it
    was seen to change its parent, which happens only when the parent ends.
    """

    id: ProcessId
    ppid: int
    comm: str
    state: str = "S"
    session: int = 0
    tty: int = 0
    threads: int = 1
    rss_bytes: int = 0
    started_boottime: float = 0.0
    image: int = 0
    kernel_thread: bool = False
    facts: Facts = NO_FACTS
    swap_bytes: int | None = None
    oom_score_adj: int | None = None
    badness: int | None = None
    under: frozenset[str] | None = frozenset()
    sharing: Sharing | None = None
    reparented: bool = False

    @property
    def pid(self) -> int:
        return self.id.pid

    @property
    def label(self) -> str:
        return process_label(self.comm, self.pid)

    @property
    def dead(self) -> bool:
        """Exited but not reaped. A zombie leader whose threads still run still holds memory, so it is not dead."""
        return self.state in "ZX" and self.threads <= 1

    def age_seconds(self, clock: Clock) -> float:
        return max(0.0, clock.boottime - self.started_boottime)


@dataclass(frozen=True, slots=True)
class KernelKill:
    """One OOM kill by the kernel, as its log reported it; ``comm`` is cut to 15 bytes by the kernel.

    ``victim`` is the process as last seen alive, if it had been seen; ``cgroup`` says that a control group hit its
    limit, as opposed to the host running out of memory. ``memcg`` is the victim's own control group, ``unit`` the unit
    of that path and ``uid`` its owner, where the kernel's line gives them (Linux 5.0 and later).
    """

    pid: int
    comm: str
    line: str
    boottime: float
    cgroup: bool = False
    victim: Process | None = None
    uid: int | None = None
    memcg: str | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class SpoolState:
    """One spool as of a scan that began at ``scanned_boottime``.

    ``problem`` says why the spool is refused or could not be read, in words. Figures that are not ``complete`` are
    lower bounds (those of space and inodes apart), and ``gaps`` says what they leave out; a scan that is not
    ``finished`` is still under way.
    """

    scanned_boottime: float
    problem: str | None = None
    entries: int = 0
    stale: int = 0
    size_bytes: int = 0
    oldest_seconds: float = 0.0
    space_free_bytes: int = 0
    space_total_bytes: int = 0
    inodes_free: int = 0
    inodes_total: int = 0
    complete: bool = True
    finished: bool = True
    gaps: str | None = None


class ServiceStatus(StrEnum):
    """What the service manager reports about a unit."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    FAILED = "failed"
    CHANGING = "changing"
    MISSING = "missing"
    UNKNOWN = "unknown"


UNLIMITED_BYTES = (1 << 64) - 1  # systemd's "infinity" over D-Bus (org.freedesktop.systemd1(5))


@dataclass(frozen=True, slots=True)
class ServiceState:
    """One unit as of ``sensed_boottime``; ``main_pid`` is 0 if the manager does not report it. The memory bounds are
    MemoryHigh and MemoryMax (systemd.resource-control(5)), ``None`` if the manager does not support them.

    Only systemd reports ``result`` (why it ended: ``oom-kill``, ``exit-code`` …), the number of restarts, the
    invocation, memory and control group, how long a start and a stop may take, the units that trigger it, and whether
    its memory bounds were set for this boot only. ``survivors`` are the pids still in the control group of a unit that
    is down. Not ``knowable`` is the state of a unit that cannot say it itself, as an init script without ``status``.
    ``memory`` is read where a clause asks for it.
    """

    unit: str
    status: ServiceStatus
    sensed_boottime: float
    main_pid: int = 0
    words: str = ""
    memory_high_bytes: int | None = None
    memory_max_bytes: int | None = None
    result: str = ""
    restarts: int = 0
    invocation: str = ""
    memory_current_bytes: int | None = None
    control_group: str = ""
    start_seconds: float | None = None
    stop_seconds: float | None = None
    triggered_by: tuple[str, ...] = ()
    survivors: tuple[int, ...] = ()
    bound_at_runtime: bool = False
    knowable: bool = True
    memory: ServiceMemory | None = None


_EMPTY: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything read at one tick. ``lineage`` are the daemon itself, its ancestors, and its children that run its own
    code; ``memory_problem`` is the reason why there is no ``memory``; ``kernel_log_gaps`` is how often records of the
    kernel's log were overwritten unread since the previous tick; ``below`` are the nouns below which processes were
    seen in earlier snapshots, ``reparented`` those that changed their parent then: see ``core/descent.py``."""

    clock: Clock
    boot_id: str = ""
    memory: Memory | None = None
    memory_problem: str = ""
    pressure: Pressure | None = None
    processes: Mapping[int, Process] = field(default_factory=dict)
    spools: Mapping[str, SpoolState] = field(default_factory=dict)
    services: Mapping[str, ServiceState] = field(default_factory=dict)
    kernel_kills: tuple[KernelKill, ...] = ()
    kernel_log_gaps: int = 0
    reports: tuple[EffectReport, ...] = ()
    lineage: frozenset[ProcessId] = frozenset()
    below: Mapping[ProcessId, frozenset[str]] = field(default_factory=dict)
    reparented: frozenset[ProcessId] = frozenset()
    skipped: Mapping[str, int] = field(default_factory=lambda: _EMPTY)

    def alive(self, identity: ProcessId) -> Process | None:
        """The process with that identity if it still runs; ``None`` if it is gone, dead, or its pid was reused."""
        process = self.processes.get(identity.pid)
        if process is None or process.id != identity or process.dead:
            return None
        return process
