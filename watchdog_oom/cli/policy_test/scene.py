"""The host of a case before its first tick: the whole truth about its processes, whatever the daemon will read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from watchdog_oom.cli.policy_test.case import Case, Given
from watchdog_oom.cli.policy_test.from_noun import completed
from watchdog_oom.cli.policy_test.recorded import as_if_now, moment_of
from watchdog_oom.cli.policy_test.sensed import searched
from watchdog_oom.core.memory import Memory, Pressure, Sharing
from watchdog_oom.core.model import Clock, Facts, KernelKill, Process, ProcessId, Snapshot
from watchdog_oom.core.policy import Policy
from watchdog_oom.core.rules.victims import badness
from watchdog_oom.core.view import View
from watchdog_oom.errors import WatchdogError
from watchdog_oom.explain.one_process import why_not
from watchdog_oom.lean_dataclasses import dataclass, field, replace
from watchdog_oom.policy.lines import Path

BEGAN = 10_000_000.0  # seconds after boot: more than the age of any process
WALL = 1.7e9
_FIRST_PID = 1000
_MIB = 1 << 20
_USER = 1000


@dataclass(slots=True)
class Scene:
    """``habits`` are the tables of the case by pid; ``mistakes`` are what does not fit the policy, with its place;
    ``recorded`` is the moment of a recording that it began with."""

    case: Case
    policy: Policy
    memory: Memory
    pressure: Pressure | None
    minute: int
    processes: dict[int, Process] = field(default_factory=dict)
    kills: tuple[KernelKill, ...] = ()
    habits: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    mistakes: list[tuple[Path, str]] = field(default_factory=list)
    recorded: Snapshot | None = None


def scene_of(case: Case, policy: Policy, nouns: Mapping[str, Mapping[str, Any]]) -> Scene:
    """``nouns`` are the policy's process tables as they were written."""
    scene = (_from_recording if "recording" in case.host.values else _from_facts)(case, policy)
    of_nouns: list[tuple[Given, Process]] = []
    for given in case.processes:
        of_nouns += [(given, process) for process in _made(scene, given, nouns)]
    scene.mistakes += [mistake for given, process in of_nouns for mistake in _strangers(scene, given, process)][:1]
    victims = [process for given in case.kernel_kills for process in _made(scene, given, nouns)]
    scene.kills += tuple(_kill(scene.processes.pop(victim.pid)) for victim in victims)
    scene.mistakes += [((*case.path, "host", kind, name), f'the policy has no {kind[:-1]} "{name}"')
                       for kind, known in (("spools", policy.spools), ("services", policy.services))
                       for name in getattr(case, kind) if name not in known]
    return scene


def _from_recording(case: Case, policy: Policy) -> Scene:
    try:
        recorded = moment_of(case)
    except (ValueError, WatchdogError) as error:
        scene = _from_facts(case, policy)
        scene.mistakes.append(((*case.path, "host", "recording"), str(error)))
        return scene
    return Scene(case, policy, recorded.memory or _memory(case.host), recorded.pressure, recorded.clock.local_minute,
                 as_if_now(recorded, BEGAN), recorded.kernel_kills, recorded=recorded)


def _from_facts(case: Case, policy: Policy) -> Scene:
    memory = _memory(case.host)
    pressure = None
    if {"pressure_some", "pressure_full"} & case.host.values.keys():
        full = case.host.get("pressure_full", 0.0)
        pressure = Pressure(case.host.get("pressure_some", full), full)
    hour, _, minute = case.host.get("clock", "12:00").partition(":")
    scene = Scene(case, policy, memory, pressure, int(hour) * 60 + int(minute))
    scene.processes[1] = Process(ProcessId(1, 0), 0, "systemd", session=1, rss_bytes=8 * _MIB, oom_score_adj=0,
                                 facts=Facts("/usr/lib/systemd/systemd", "/sbin/init", 0, "root", "init.scope"))
    return scene


def _memory(host: Given) -> Memory:
    """All memory that is not available is what processes hold, so that percentages mean what they say."""
    total, swap = host.get("memory", 1 << 30), host.get("swap", 0)
    available = host.size("memory_available", 50.0, total)
    return Memory(total, available, max(0, total - available), swap, min(swap, host.size("swap_free", 100.0, swap)))


def _made(scene: Scene, given: Given, nouns: Mapping[str, Mapping[str, Any]]) -> Iterator[Process]:
    """The processes of one table."""
    noun = given.get("noun")
    if noun is not None and noun not in nouns:
        scene.mistakes.append(((*given.path, "noun"), f'the policy has no process "{noun}"'))
        return
    try:
        facts = completed(given, nouns[noun] if noun is not None else {})
        parent = _parent(scene, facts.get("parent"), nouns)
    except ValueError as error:
        scene.mistakes.append((given.path, str(error)))
        return
    for _ in range(facts.get("count", 1)):
        first = max(scene.recorded.processes, default=0) + 1 if scene.recorded is not None else _FIRST_PID
        pid = first + len(scene.habits)
        process = _process(scene, pid, facts, parent)
        scene.processes[pid] = process
        scene.habits[pid] = facts
        yield process


def _process(scene: Scene, pid: int, facts: Mapping[str, Any], parent: int) -> Process:
    exe, age = facts.get("exe"), facts.get("age", 60.0)
    comm = facts.get("name") or exe.rpartition("/")[2]  # type: ignore[union-attr]  # one of the two is given
    user, unit = facts.get("user", "root"), facts.get("unit")
    uid = 0 if user == "root" else int(user) if user.isdecimal() else _USER
    manager, _, of_user = (unit or "").partition("/")
    rss, orphaned = facts.get("rss", 10 * _MIB), facts.get("orphaned", False)
    started, terminal = BEGAN - age, facts.get("terminal", False)
    short_name = comm.encode()[:15].decode("utf-8", "ignore")
    process = Process(
        ProcessId(pid, int(started * 100) + pid), 1 if orphaned else parent, short_name,
        session=pid if terminal or (parent == 1 and not orphaned) else parent,
        tty=0x8800 if terminal else 0, rss_bytes=rss, started_boottime=started, image=pid,
        facts=Facts(exe, facts.get("cmdline", exe or comm), uid, user, manager or None,
                    host_namespaces=not facts.get("container"), user_unit=unit if of_user else None),
        swap_bytes=facts.get("swap", 0), oom_score_adj=facts.get("oom_score_adj", 0),
        under=frozenset(facts.get("under", ())), reparented=orphaned, sharing=_sharing(facts, rss))
    return replace(process, badness=badness(process, scene.memory.total_bytes + scene.memory.swap_total_bytes))


def _sharing(facts: Mapping[str, Any], rss: int) -> Sharing:
    shared = min(rss, facts.get("shared", 0))
    return Sharing(rss - shared + shared // facts.get("count", 1))


def _parent(scene: Scene, wanted: str | None, nouns: Mapping[str, Mapping[str, Any]]) -> int:
    if wanted is None:
        return 1
    for pid, facts in reversed(scene.habits.items()):
        if pid in scene.processes and wanted in (facts.get("noun"), scene.processes[pid].comm):
            return pid
    if wanted in nouns:
        view = truth(scene)
        for process in view.matching(wanted):
            return process.pid
    raise ValueError(f'its parent "{wanted}" does not stand above it in the list')


def truth(scene: Scene) -> View:
    """Everything there is, seen through the policy."""
    snapshot = Snapshot(Clock(WALL, BEGAN), memory=scene.memory,
                        processes=searched(scene.processes, scene.policy.processes.values()))
    return View(snapshot, scene.policy)


def _strangers(scene: Scene, given: Given, process: Process) -> Iterator[tuple[Path, str]]:
    """A process given by a noun that the noun does not match: the case would show nothing."""
    noun = given.get("noun")
    if noun is None:
        return
    view = truth(scene)
    reason = why_not(view, scene.policy.processes[noun], view.snapshot.processes[process.pid])
    if reason is not None:
        yield (*given.path, "noun"), f"{process.label} as given here is not of {noun}: {reason}"


def _kill(victim: Process) -> KernelKill:
    line = f"Out of memory: Killed process {victim.pid} ({victim.comm})"
    return KernelKill(victim.pid, victim.comm, line, BEGAN, victim=victim, uid=victim.facts.uid, unit=victim.facts.unit)
