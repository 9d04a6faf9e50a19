"""Short ways to write processes, nouns, policies and snapshots by hand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from watchdog_oom.core.guard import Budget
from watchdog_oom.core.history import History
from watchdog_oom.core.memory import Memory
from watchdog_oom.core.model import Clock, Facts, Process, ProcessId, ServiceState, ServiceStatus, Snapshot, SpoolState
from watchdog_oom.core.nouns import ProcessNoun, ServiceNoun, Size, SpoolNoun
from watchdog_oom.core.policy import Clause, Clean, Emergency, Limit, Policy, Protect, Recover, RecoveryStep, Verb
from watchdog_oom.core.tick import Tick
from watchdog_oom.core.view import View

MIB = 1 << 20
NOW = 10_000.0
_T = TypeVar("_T")


def mib(amount: int) -> Size:
    return Size(amount_bytes=amount * MIB)


def percent(amount: float) -> Size:
    return Size(percent=amount)


def noun(name: str, *, comm: str | None = None, exe: str | None = None, **keys: Any) -> ProcessNoun:
    """A process noun by plain text; without any key it matches its own name."""
    if comm is None and exe is None and not keys:
        comm = name
    exact: dict[str, Any] = {key: (re.compile(re.escape(text)),)
                             for key, text in (("comm", comm), ("exe", exe)) if text is not None}
    for key in ("unit", "cmdline"):
        if key in keys:
            exact[key] = (re.compile(keys.pop(key)),)
    return ProcessNoun(name, **exact, **keys)


def proc(pid: int, comm: str = "idle", *, ppid: int = 1, rss: int = 1, age: float = 60.0, start: int | None = None,
         **rest: Any) -> Process:
    """A living process: ``rss`` in MiB, ``age`` in seconds; facts are given by their own names. Its oom_score_adj was
    read."""
    names = ("exe", "cmdline", "uid", "user", "unit", "cmdline_has", "cmdline_lacks", "host_namespaces", "exe_mounted",
             "user_unit")
    facts = {key: rest.pop(key) for key in names if key in rest}
    rest.setdefault("oom_score_adj", 0)
    started = NOW - age
    ticks = start if start is not None else int(started * 100)
    return Process(ProcessId(pid, ticks), ppid, comm, rss_bytes=rss * MIB, started_boottime=started,
                   facts=Facts(**facts), **rest)


def memory(available: float = 50.0, swap_free: float = 50.0, *, swap_total: int = 512, total: int = 1024) -> Memory:
    """Percentages of memory and swap; totals in MiB."""
    userspace = total * MIB * 8 // 10
    free = round(userspace * available / 100)
    return Memory(total * MIB, free, userspace - free, swap_total * MIB, round(swap_total * MIB * swap_free / 100))


def snapshot(*processes: Process, at: float = NOW, **rest: Any) -> Snapshot:
    rest.setdefault("memory", memory())
    rest.setdefault("clock", Clock(wall=1.7e9 + at, boottime=at, local_minute=12 * 60))
    return Snapshot(processes={process.pid: process for process in processes}, **rest)


def spool_state(**keys: Any) -> SpoolState:
    return SpoolState(scanned_boottime=keys.pop("scanned_boottime", NOW), **keys)


def service_state(unit: str, status: ServiceStatus = ServiceStatus.ACTIVE, at: float = NOW,
                  **rest: Any) -> ServiceState:
    return ServiceState(unit, status, at, **rest)


def by_name(items: Iterable[_T]) -> Mapping[str, _T]:
    return {getattr(item, "name"): item for item in items}  # noqa: B009 (one helper for all kinds of nouns)


def policy(*parts: ProcessNoun | SpoolNoun | ServiceNoun | Protect | Limit | Recover | Clean
           | Emergency) -> Policy:
    """A policy of these tables; the emergency is out of reach unless one is given."""
    def of(kind: type[_T]) -> Mapping[str, _T]:
        return by_name(part for part in parts if isinstance(part, kind))
    never = Emergency(memory_available_below=percent(0.0), swap_free_below=percent(0.0))
    return Policy(processes=of(ProcessNoun), spools=of(SpoolNoun), services=of(ServiceNoun), protects=of(Protect),
                  limits=of(Limit), recovers=of(Recover), cleans=of(Clean),
                  emergency=next((part for part in parts if isinstance(part, Emergency)), never))


def when(*conditions: Any, lasting: float = 0.0) -> Clause:
    return Clause(tuple(conditions), lasting)


def step(verb: Verb, *names: str, within: float | None = None, **rest: Any) -> RecoveryStep:
    return RecoveryStep(verb, names, within_seconds=within, **rest)


def tick(seen: Snapshot, rules: Policy | None = None, history: History | None = None,
         budget: Budget | None = None) -> Tick:
    return Tick(View(seen, rules or policy()), history or History(), budget or Budget())
