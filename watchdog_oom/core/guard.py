"""Refusals that no policy can override (Laws 2 and 3): pure; asked for every candidate, and again for every action."""

from __future__ import annotations

import re

from watchdog_oom.core.actions import (
    Action,
    Contain,
    Probe,
    Purge,
    Release,
    RunCommand,
    SetOomScoreAdj,
    Signal,
    SignalName,
    StartUnit,
    StopUnit,
)
from watchdog_oom.core.hook_action import RunHook
from watchdog_oom.core.matching import hosts_own
from watchdog_oom.core.model import Process
from watchdog_oom.core.nouns import ProcessNoun
from watchdog_oom.core.view import View
from watchdog_oom.lean_dataclasses import dataclass, replace
from watchdog_oom.lean_typing import assert_never

UNKILLABLE_ADJ = -1000
KILL_WINDOW_SECONDS = 60.0
SSHD = ProcessNoun("sshd of this host", comm=(re.compile("sshd.*"),), exe=(re.compile("/usr/(?:.*/)?sshd[^/]*"),))
LOGIN = ProcessNoun("login of this host", comm=(re.compile("login"),), exe=(re.compile("(/usr)?/bin/login"),))
# What has to be read for guard: who they are, and then whose.
WAYS_IN = (SSHD, LOGIN, replace(SSHD, name="sshd of root", user=("0",)),
           replace(LOGIN, name="login of root", user=("0",)))
OWN_UNITS = frozenset({"watchdog-oomd", "watchdog-oomd.service"})
# Where operators log in and work, and what everything else depends on, whatever processes are seen in them.
_NEVER_CONTAINED = re.compile(r"init\.scope|session-.*\.scope|user@.*\.service|user-runtime-dir@.*\.service|"
                              r"sshd?(@.*)?\.service|dbus(-broker)?\.service|systemd-.*\.service")


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that may be done, whatever policies say: processes newly ended a minute, entries a purge."""

    kills_per_minute: int = 30
    purge_entries: int = 200_000


def refusal(action: Action, view: View, budget: Budget, recent_kills: int, *, begun: bool = False) -> str | None:
    """Why the step must not be done, in words, or ``None``. ``begun`` says that the target is already being ended, so
    that it does not count against the budget a second time."""
    match action:
        case Signal():
            return _signal_refusal(action, view, budget, recent_kills, begun)
        case SetOomScoreAdj():
            return _adjust_refusal(action, view)
        case StopUnit() | StartUnit():
            return "a watchdog does not stop or start itself" if action.unit in OWN_UNITS else None
        case Purge():
            return _purge_refusal(action, view, budget)
        case RunCommand() | RunHook():
            return None if action.argv and action.argv[0].startswith("/") else "a program needs an absolute path"
        case Contain():
            return uncontainable(action.unit, view)
        case Probe() | Release():
            return None
        case _:
            assert_never(action)


def untouchable(process: Process, view: View, *, explicit: bool = False) -> str | None:
    """Why this process may never be ended or frozen, or ``None`` (Law 2). ``explicit``: a policy gives its very name.

    A fact that was not read clears no process: ``ScanDemand`` has it read of every process that is judged here.
    """
    if process.pid == 1:
        return "it is pid 1"
    if process.kernel_thread:
        return "it is a kernel thread"
    if process.id in view.snapshot.lineage:
        return "it is this daemon, a helper or an ancestor of it"
    if process.id in view.protected:
        return f"it is protected by protect.{view.protected[process.id]}"
    unsure = view.may_be_protected(process)
    if unsure is not None:
        return f"it is not known yet whether protect.{unsure} is about it"
    if process.oom_score_adj == UNKILLABLE_ADJ:
        return f"its oom_score_adj is {UNKILLABLE_ADJ}"
    if not explicit and _is_sshd(process, view):
        return "it is sshd"
    if not explicit and leads_login_session(process, view):
        return "it leads an operator's session"
    return "its oom_score_adj could not be read" if process.oom_score_adj is None else None


def uncontainable(unit: str, view: View) -> str | None:
    """Why the memory of this unit may not be bound, or ``None`` (Law 2): everything in it would be slowed down."""
    if not unit.endswith((".service", ".scope")):
        return "only services and scopes are contained, never a slice"
    if unit in OWN_UNITS:
        return "a watchdog does not contain itself"
    if _NEVER_CONTAINED.fullmatch(unit):
        return "the host or its operators depend on it"
    for process in view.snapshot.processes.values():
        if process.facts.unit == unit and not process.dead:
            reason = untouchable(process, view)
            if reason is not None:
                return f"it holds {process.label}: {reason}"
    return None


def protected_in(unit: str, view: View) -> str | None:
    """Who lives in this unit that a policy protects, in words, or ``None``. Unlike in ``uncontainable`` nobody counts
    of whom that is not known yet: bounds would come and go with each process that is born in the unit."""
    for identity, protect in view.protected.items():
        process = view.snapshot.alive(identity)
        if process is not None and process.facts.unit == unit:
            return f"it holds {process.label}: it is protected by protect.{protect}"
    return None


def _is(noun: ProcessNoun, process: Process) -> bool:
    """By executable, and only the host's own processes: anybody can take a name, or make a namespace."""
    exe = process.facts.exe
    return (bool(noun.comm[0].fullmatch(process.comm)) and exe is not None and bool(noun.exe[0].fullmatch(exe))
            and hosts_own(process, exe=True))


def _is_roots(noun: ProcessNoun, process: Process) -> bool:
    """The same, and root runs it: any user can start sshd himself, with a library of his own in it (LD_PRELOAD)."""
    return _is(noun, process) and process.facts.uid in (0, None)


def _is_sshd(process: Process, view: View) -> bool:
    """Root's, or the one that root's starts for a user, which answers for his session."""
    parent = view.snapshot.processes.get(process.ppid)
    return _is_roots(SSHD, process) or (_is(SSHD, process) and parent is not None and _is_roots(SSHD, parent))


def leads_login_session(process: Process, view: View) -> bool:
    """The login shell itself, started by sshd or login; what it starts, terminal or not, gets no immunity."""
    if not process.tty or process.session != process.pid:
        return False
    parent = view.snapshot.processes.get(process.ppid)
    return parent is not None and (_is_sshd(parent, view) or _is_roots(LOGIN, parent))


def _signal_refusal(action: Signal, view: View, budget: Budget, recent_kills: int, begun: bool) -> str | None:
    process = view.snapshot.alive(action.target)
    if process is None:
        return "it is gone"
    if action.signal is SignalName.CONT:
        return None
    reason = untouchable(process, view, explicit=action.explicit)
    if (
        reason is None
        and not begun
        and action.signal is not SignalName.STOP
        and recent_kills >= budget.kills_per_minute
    ):
        return f"the budget of {budget.kills_per_minute} kills a minute is used up"
    return reason


def _adjust_refusal(action: SetOomScoreAdj, view: View) -> str | None:
    process = view.snapshot.alive(action.target)
    if process is None:
        return "it is gone"
    if process.pid == 1 or process.kernel_thread:
        return "pid 1 and kernel threads are left alone"
    if not UNKILLABLE_ADJ <= action.value <= 1000:
        return "oom_score_adj goes from -1000 to 1000"
    allowed = any(protect.allow_unkillable and protect.process == action.noun
                  for protect in view.policy.protects.values())
    if action.value == UNKILLABLE_ADJ and action.noun is not None and not allowed:
        return "-1000 needs allow_unkillable = true"
    return None


def _purge_refusal(action: Purge, view: View, budget: Budget) -> str | None:
    if not 0 < action.limit <= budget.purge_entries:
        return f"a purge may take from 1 to {budget.purge_entries} entries"
    state = view.snapshot.spools.get(action.spool)
    return state.problem if state is not None else None
