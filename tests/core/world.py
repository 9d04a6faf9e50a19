"""A small deterministic host: it is sensed into snapshots, ``decide`` is asked, and the plan is performed on it.

It shows no more than the real sensors would be asked for: a rule or guard that needs a value nobody reads fails here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.core.build import MIB, NOW
from watchdog_oom.cli.policy_test.sensed import as_sensed, searched
from watchdog_oom.core.actions import (
    Contain,
    Intent,
    Note,
    Plan,
    Probe,
    Purge,
    Refusal,
    Release,
    RunCommand,
    SetOomScoreAdj,
    Signal,
    SignalName,
    StartUnit,
    StopUnit,
    Watch,
)
from watchdog_oom.core.decide import decide
from watchdog_oom.core.guard import UNKILLABLE_ADJ, Budget
from watchdog_oom.core.history import History
from watchdog_oom.core.hook_action import RunHook
from watchdog_oom.core.memory import Memory, Pressure, ServiceMemory, Sharing
from watchdog_oom.core.model import (
    NO_FACTS,
    UNLIMITED_BYTES,
    Clock,
    Facts,
    KernelKill,
    Process,
    ProcessId,
    ServiceState,
    ServiceStatus,
    Snapshot,
    SpoolState,
)
from watchdog_oom.core.outcome import EffectReport, Outcome
from watchdog_oom.core.policy import Policy
from watchdog_oom.core.rules.victims import badness
from watchdog_oom.daemon import state_file
from watchdog_oom.daemon.crash_recovery import finish_purges, inherit
from watchdog_oom.daemon.state_file import State
from watchdog_oom.host.memory.service_memory import counted_services
from watchdog_oom.host.processes.demand import scan_demand
from watchdog_oom.lean_dataclasses import replace

CALM_SECONDS = 2.0  # for so long after an urgent act nothing is saved


@dataclass(slots=True)
class Proc:
    """A process of the simulated host and its bad habits."""

    pid: int
    comm: str
    start_ticks: int
    started: float
    ppid: int = 1
    rss_mib: int = 1
    swap_mib: int = 0
    facts: Facts = NO_FACTS
    tty: int = 0
    session: int = 0
    kernel_thread: bool = False
    adj: int = 0
    under: frozenset[str] = frozenset()
    state: str = "S"
    ignores_term: bool = False
    unkillable: bool = False
    out_of_reach: bool = False  # signals to it cannot be sent
    sealed: str = ""            # why its oom_score_adj cannot be written
    supervised: bool = False    # somebody starts it again
    shared_mib: int = 0         # of its memory, shared with all processes of the same name that share
    first_ppid: int = 0         # its parent when it was first seen
    forked: bool = False        # that is shared since a fork, so that the kernel calls it anonymous

    @property
    def id(self) -> ProcessId:
        return ProcessId(self.pid, self.start_ticks)


@dataclass(slots=True)
class Unit:
    """A unit of the simulated service manager. ``start`` and ``stop`` are ``ok``, ``fails`` (and says so), ``lies``
    (says that it went well) or ``hangs``; ``activates`` is the unit that this socket starts again while it listens."""

    status: ServiceStatus = ServiceStatus.ACTIVE
    start: str = "ok"
    stop: str = "ok"
    start_takes: float = 1.0
    stop_takes: float = 1.0
    answers: bool = True
    activates: str | None = None
    main_pid: int = 0
    memory_high: int | None = UNLIMITED_BYTES
    memory_max: int | None = UNLIMITED_BYTES
    bound: str = "ok"       # how bounding its memory goes: ``ok``, ``fails``, ``unheard`` (done, but told as failed)
    bound_takes: float = 0.5
    bound_at_runtime: bool = False
    held_mib: int | None = None  # what its control group holds, if it has one
    cache_mib: int = 0
    job: tuple[str, float] | None = None
    starts: int = 0
    knowable: bool = True  # what its script cannot tell is UNKNOWN, whatever it is


@dataclass(slots=True)
class Spool:
    entries: int = 0
    stale: int = 0
    purge: str = "ok"
    in_use: bool = False  # its stale entries are in use, so that no purge takes them
    purge_takes: float = 1.0
    problem: str | None = None
    trash: int = 0
    scanned: float | None = None  # when it was scanned last; ``None``: at every look
    finished: bool = True


@dataclass
class World:
    """The host, its clock and its watchdog. ``sent`` are all signals that went out."""

    policy: Policy
    budget: Budget = field(default_factory=Budget)
    now: float = NOW
    wall: float = 1.7e9
    minute: int = 12 * 60
    ram_mib: int = 1024
    base_mib: int = 100
    swap_mib: int = 512
    swap_used_mib: int = 0
    tmpfs_mib: int = 0  # files in memory that nobody maps
    pressure: Pressure | None = None
    memory_readable: bool = True
    sharing: str = "read"       # what is known of shares: ``read``, ``awaited``, ``refused``
    run_works: bool = True
    hook_takes: float = 0.1     # how long each hook runs; endless: nothing is ever heard of it
    hooks_run: list[tuple[float, RunHook]] = field(default_factory=list)
    deaf: bool = False          # a gentle purge does not end when it is told to
    stale_states: bool = False  # the service manager's answers are one tick old
    seldom_seconds: float = 10.0  # how often services are asked while the plan does not want it often
    history: History = field(default_factory=lambda: History(run_id="1"))
    procs: dict[int, Proc] = field(default_factory=dict)
    units: dict[str, Unit] = field(default_factory=dict)
    spools: dict[str, Spool] = field(default_factory=dict)
    lineage: frozenset[int] = frozenset()
    sent: list[tuple[float, SignalName, ProcessId, str]] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)
    next_pid: int = 100
    seen: Snapshot = field(default_factory=lambda: Snapshot(Clock(0.0, 0.0)))
    truth: Snapshot = field(default_factory=lambda: Snapshot(Clock(0.0, 0.0)))  # ``seen``, had everything been read
    cleared: dict[str, int] = field(default_factory=dict)  # by purge: how many entries it took out
    saved: str = ""             # state.json
    urgent_at: float = 0.0
    _watch: Watch = field(default_factory=Watch)
    _reports: list[EffectReport] = field(default_factory=list)
    _kills: list[KernelKill] = field(default_factory=list)
    _pending: list[tuple[float, str, str, Callable[[], bool]]] = field(default_factory=list)
    _answers: dict[str, ServiceState] = field(default_factory=dict)

    def spawn(self, comm: str, *, age: float = 60.0, exe: str | None = None, user: str | None = None,
              unit: str | None = None, pid: int | None = None, **rest: object) -> Proc:
        """A new process; the keys of ``rest`` are those of Proc."""
        self.next_pid += 1
        number = pid if pid is not None else self.next_pid
        started = self.now - age
        process = Proc(number, comm, int(started * 100) + self.next_pid, started,
                       facts=Facts(exe, None, None, user, unit), **rest)  # type: ignore[arg-type]
        self.procs[number] = process
        return process

    def service(self, name: str, **rest: object) -> Unit:
        """The unit ``name.service`` (or a trigger, where the name has a suffix)."""
        unit = name if "." in name else f"{name}.service"
        self.units[unit] = Unit(main_pid=self._new_pid(), **rest)  # type: ignore[arg-type]
        return self.units[unit]

    def kernel_kills(self, process: Proc) -> None:
        seen = self.seen.alive(process.id)
        victim = None if seen is None else replace(seen, swap_bytes=None, oom_score_adj=None, badness=None)
        del self.procs[process.pid]
        self._kills.append(KernelKill(process.pid, process.comm[:15], f"Killed process {process.pid}", self.now,
                                      victim=victim))

    def tick(self, seconds: float = 1.0, *, killed_after: int | None = None) -> Plan:
        """Time passes, things happen, the host is looked at, and what is decided is saved and done. The daemon can be
        killed after so many of its acts; with -1 before it has saved anything."""
        self.now += seconds
        self.wall += seconds
        self._happen()
        self.seen = self.snapshot()
        self.truth = replace(self.seen, processes=searched(self.everybody(), self.policy.processes.values()))
        plan, self.history = decide(self.seen, self.policy, self.history, self.budget)
        self._watch = plan.watch
        self.notes += plan.notes
        self.refusals += plan.refusals
        urgent = [intent for intent in plan.intents if intent.urgent]
        self.urgent_at = self.now if urgent else self.urgent_at
        others = [intent for intent in plan.intents if not intent.urgent]
        for intent in urgent:
            self._perform(intent)
        if killed_after != -1 and not (self.history.emergency and self.now - self.urgent_at < CALM_SECONDS):
            purging = {what.removeprefix("purge "): "/" + what.removeprefix("purge ")
                       for what in (*(pending[2] for pending in self._pending), *map(str, (i.action for i in others)))
                       if what.startswith("purge ")}
            self.saved = json.dumps(state_file.to_plain("boot", self.history, purging))
        self._halt(plan)
        for intent in others if killed_after is None else others[:max(0, killed_after)]:
            self._perform(intent)
        if killed_after is not None:
            self.crash()
        return plan

    def ticks(self, count: int, seconds: float = 1.0) -> None:
        for _ in range(count):
            self.tick(seconds)

    def until(self, condition: Callable[[], bool], most: int = 2000, seconds: float = 1.0) -> None:
        """Let time pass until the condition holds; within ``most`` ticks it must."""
        for _ in range(most):
            if condition():
                return
            self.tick(seconds)
        raise AssertionError("waited in vain; the notes were:\n" + "\n".join(map(str, self.notes)))

    def stop(self) -> None:
        """SIGTERM to the daemon, and the ticks until it says that it has finished."""
        self.history = replace(self.history, stopping=True)
        self.until(lambda: self.history.finished)

    def crash(self) -> None:
        """The daemon dies, and a new one starts with what was saved and what it sees of the host, and nothing else;
        what the service manager had been asked for goes on, unreported, and a purge dies with its daemon."""
        fresh = History(run_id=self.history.run_id + "x")
        state = state_file.from_plain(json.loads(self.saved), fresh) if self.saved else State(fresh)
        self._pending = [(due, "", what, act) for due, _, what, act in self._pending if not what.startswith("purge ")]
        self._reports, self._watch = [], Watch()
        for process in self.procs.values():
            process.first_ppid = process.ppid
        inherited = inherit(state, (), self.policy, self.snapshot())
        self.history = inherited.history
        for intent in finish_purges(inherited.purges, fresh.run_id):
            self._perform(intent)

    def running(self, recovery: str) -> bool:
        state = self.history.recoveries.get(recovery)
        return state is not None and state.run is not None

    def status(self, name: str) -> ServiceStatus:
        return self.units[name if "." in name else f"{name}.service"].status

    def said(self, text: str) -> list[Note]:
        return [note for note in self.notes if text in note.result]

    def signals(self, process: Proc | None = None) -> list[SignalName]:
        return [name for _, name, identity, _ in self.sent if process is None or identity == process.id]

    def alive(self, process: Proc) -> bool:
        return self.procs.get(process.pid) is process

    def snapshot(self) -> Snapshot:
        clock = Clock(self.wall, self.now, self.minute)
        reports, kills = tuple(self._reports), tuple(self._kills)
        self._reports, self._kills = [], []
        memory = self.memory() if self.memory_readable else None
        demand = scan_demand(self.policy, memory, self._watch, self.pressure)
        return Snapshot(
            clock, "boot", memory, memory_problem="" if memory else "meminfo: no memory at all", pressure=self.pressure,
            processes=as_sensed(self.everybody(), demand),
            spools={name: SpoolState(self.now if spool.scanned is None else spool.scanned, spool.problem, spool.entries,
                                     spool.stale, complete=spool.finished, finished=spool.finished)
                    for name, spool in self.spools.items() if name in self.policy.spools},
            services=self._service_states(), kernel_kills=kills, reports=reports,
            lineage=frozenset(self.procs[pid].id for pid in self.lineage if pid in self.procs))

    def memory(self) -> Memory:
        held = sum(process.rss_mib - process.shared_mib for process in self.procs.values())
        held += sum({process.comm: process.shared_mib for process in self.procs.values()}.values())
        swapped = self.swap_used_mib + sum(process.swap_mib for process in self.procs.values())
        free = max(0, self.ram_mib - self.base_mib - self.tmpfs_mib - held)
        return Memory(self.ram_mib * MIB, free * MIB, (self.base_mib + held) * MIB, self.swap_mib * MIB,
                      max(0, self.swap_mib - swapped) * MIB)

    def everybody(self) -> dict[int, Process]:
        """The whole truth about all processes."""
        return {pid: self._as_it_is(process) for pid, process in self.procs.items()}

    def _as_it_is(self, process: Proc) -> Process:
        process.first_ppid = process.first_ppid or process.ppid
        whole = Process(process.id, process.ppid, process.comm, process.state, process.session, process.tty, 1,
                        process.rss_mib * MIB, process.started, 0, process.kernel_thread, process.facts,
                        process.swap_mib * MIB, process.adj, None,
                        process.under, self._sharing(process), process.ppid != process.first_ppid)
        return replace(whole, badness=badness(whole, (self.ram_mib + self.swap_mib) * MIB))

    def _sharing(self, process: Proc) -> Sharing:
        own = process.rss_mib - process.shared_mib
        if self.sharing == "read":
            sharers = sum(other.comm == process.comm and other.shared_mib > 0 for other in self.procs.values())
            return Sharing((own * MIB + process.shared_mib * MIB // max(1, sharers)) // 1024 * 1024)
        refused = self.sharing == "refused"
        return Sharing(None, (process.rss_mib if process.forked else own) * MIB if refused else None, not refused)

    def _service_states(self) -> dict[str, ServiceState]:
        units = {name: self.policy.services[name].unit if name in self.policy.services else name
                 for name in self._watch.services}
        fresh = {}
        for name, unit in units.items():
            found = self.units.get(unit, Unit(ServiceStatus.MISSING))
            shown_as, words = found.status, "masked" if found.status is ServiceStatus.MISSING else ""
            if not found.knowable:
                shown_as, words = ServiceStatus.UNKNOWN, "no status"
            fresh[name] = ServiceState(unit, shown_as, self.now, found.main_pid, knowable=found.knowable,
                                       memory_high_bytes=found.memory_high, memory_max_bytes=found.memory_max,
                                       words=words, bound_at_runtime=found.bound_at_runtime,
                                       memory=_held(found) if name in counted_services(self.policy) else None)
        shown = {**fresh, **self._answers} if self.stale_states else fresh
        if self.seldom_seconds and not self._watch.often:
            shown |= {name: replace(state, memory=fresh[name].memory) for name, state in self._answers.items()
                      if name in fresh and self.now - state.sensed_boottime < self.seldom_seconds}
            fresh = {name: shown[name] for name in fresh}
        self._answers = fresh
        return {name: shown[name] for name in fresh}

    def _happen(self) -> None:
        due, self._pending = ([job for job in self._pending if job[0] <= self.now],
                              [job for job in self._pending if job[0] > self.now])
        for _, intent_id, what, act in due:
            ok = act()
            self.done.append(f"{what}{'' if ok else ' failed'}")
            if intent_id:
                outcome = Outcome(ok, "ok" if ok else "it did not work")
                cleared = self.cleared.pop(what, None)
                self._reports.append(EffectReport(intent_id, outcome, 1.0, self.now, cleared=cleared))
        for unit in self.units.values():
            revived = self.units.get(unit.activates or "")
            able = revived is not None and revived.status is ServiceStatus.INACTIVE and revived.start == "ok"
            if revived is not None and able and unit.status is ServiceStatus.ACTIVE and revived.job is None:
                revived.status = ServiceStatus.ACTIVE

    def _perform(self, intent: Intent) -> None:
        match intent.action:
            case Signal() as signal:
                self._signal(intent, signal)
            case SetOomScoreAdj() as adjust:
                self._reports.append(EffectReport(intent.id, self._adjusted(adjust), None, self.now))
            case StopUnit(unit=name):
                self._begin_job(intent, "stop", name)
            case StartUnit(unit=name):
                self._begin_job(intent, "start", name)
            case Purge(spool=name, limit=limit):
                spool = self.spools[name]
                taken = spool.stale if spool.purge == "ok" and limit and not spool.in_use else 0
                spool.trash += taken
                self.cleared[str(intent.action)] = taken
                self._later(intent, spool.purge_takes, lambda: self._purged(spool, limit))
            case Probe(service=name):
                unit = self.units[self.policy.services[name].unit]
                self._later(intent, 0.5, lambda: unit.answers and unit.status is ServiceStatus.ACTIVE)
            case Contain() | Release() as bounds:
                takes = self.units[bounds.unit].bound_takes if bounds.unit in self.units else 0.5
                self._later(intent, takes, lambda: self._bound(bounds))
            case RunCommand():
                self._later(intent, 1.0, lambda: self.run_works)
            case RunHook() as hook:
                self.hooks_run.append((self.now, hook))
                self._later(intent, self.hook_takes, lambda: self.run_works)

    def _halt(self, plan: Plan) -> None:
        """End the gentle purges of these spools."""
        if self.deaf:
            return
        ended = [job for job in self._pending if job[2].removeprefix("purge ") in plan.halts]
        self._pending = [job for job in self._pending if job not in ended]
        self._reports += [EffectReport(job[1], Outcome(None, "ended early"), 1.0, self.now) for job in ended if job[1]]

    def _adjusted(self, adjust: SetOomScoreAdj) -> Outcome:
        process = self.procs.get(adjust.target.pid)
        if process is None or process.id != adjust.target:
            return Outcome(False, "it had ended already")
        if process.sealed:
            return Outcome(False, process.sealed)
        process.adj = adjust.value
        return Outcome(True, "set")

    def _later(self, intent: Intent, seconds: float, act: Callable[[], bool]) -> None:
        self._pending.append((self.now + seconds, intent.id, str(intent.action), act))

    def _signal(self, intent: Intent, signal: Signal) -> None:
        process = self.procs.get(signal.target.pid)
        spared = process is not None and process.adj == UNKILLABLE_ADJ and signal.signal is not SignalName.CONT
        if process is None or process.id != signal.target or process.out_of_reach or spared:
            told = Outcome(False, "gone, spared, or not permitted")
            self._reports.append(EffectReport(intent.id, told, 0.0, self.now))
            return
        self.sent.append((self.now, signal.signal, signal.target, intent.rule))
        self._reports.append(EffectReport(intent.id, Outcome(True, "sent"), None, self.now))
        match signal.signal:
            case SignalName.STOP:
                process.state = "T"
            case SignalName.CONT:
                process.state = "S"
            case SignalName.TERM if process.ignores_term or process.unkillable:
                pass
            case SignalName.KILL if process.unkillable:
                process.state = "D"
            case _:
                del self.procs[process.pid]
                if process.supervised:
                    self.spawn(process.comm, age=0.0, exe=process.facts.exe, user=process.facts.user, supervised=True)

    def _begin_job(self, intent: Intent, verb: str, name: str) -> None:
        unit = self.units[name]
        if unit.job is not None and unit.job[1] > self.now and unit.job[0] != verb:
            self.trouble.append(f"{verb} {name} overtook {unit.job[0]}")
        mode, takes = (unit.start, unit.start_takes) if verb == "start" else (unit.stop, unit.stop_takes)
        before = unit.status
        served = self.units.get(unit.activates or "")
        if verb == "start" and before is ServiceStatus.ACTIVE:
            takes, mode = 0.1, "ok"
        elif verb == "start" and served is not None and served.status is ServiceStatus.ACTIVE:
            takes, mode = 0.1, "fails"  # systemd refuses a socket whose service runs
        unit.job = (verb, self.now + takes)
        unit.starts += verb == "start"
        if before is not (ServiceStatus.ACTIVE if verb == "start" else ServiceStatus.INACTIVE):
            unit.status = ServiceStatus.CHANGING
        if mode == "hangs":
            return
        self._later(intent, takes, lambda: self._job_done(unit, verb, mode, before))

    def _job_done(self, unit: Unit, verb: str, mode: str, before: ServiceStatus) -> bool:
        unit.job = None
        if verb == "stop":
            unit.status = ServiceStatus.INACTIVE if mode == "ok" else before
        elif before is not ServiceStatus.ACTIVE:
            unit.status = ServiceStatus.ACTIVE if mode == "ok" else ServiceStatus.FAILED
            unit.main_pid = self._new_pid()
        return mode != "fails"

    def _bound(self, step: Contain | Release) -> bool:
        unit = self.units.get(step.unit)
        if unit is None or unit.bound == "fails":
            return False
        unit.memory_high = step.memory_high_bytes
        if step.memory_max_bytes is not None:
            unit.memory_max = step.memory_max_bytes
        return unit.bound == "ok"

    def _purged(self, spool: Spool, limit: int) -> bool:
        if spool.purge == "ok":
            taken = spool.stale if limit and not spool.in_use else 0
            spool.entries -= taken
            spool.stale -= taken
            spool.trash = 0
        return spool.purge == "ok"

    def _new_pid(self) -> int:
        self.next_pid += 1
        return self.next_pid


def _held(unit: Unit) -> ServiceMemory:
    if unit.held_mib is not None:
        return ServiceMemory(unit.held_mib * MIB, unit.cache_mib * MIB)
    down = unit.status in (ServiceStatus.INACTIVE, ServiceStatus.FAILED)
    return ServiceMemory(0) if down else ServiceMemory(problem="it has no control group of its own")
