"""The data of ``watchdog-oom status``: one JSON file in the runtime directory, replaced atomically, world-readable."""

from __future__ import annotations

import json
import os

from watchdog_oom.core.guard import Budget
from watchdog_oom.core.history import History, Probing, Recovery
from watchdog_oom.core.hook_state import HookCount
from watchdog_oom.core.memory import Memory, Pressure, ServiceMemory
from watchdog_oom.core.model import Clock, Snapshot
from watchdog_oom.core.policy import Policy
from watchdog_oom.core.rules.clean import scheduled, why_waiting
from watchdog_oom.core.rules.recovery.trigger import wait_seconds
from watchdog_oom.core.view import View
from watchdog_oom.daemon.atomic_file import replace_file
from watchdog_oom.lean_dataclasses import dataclass, field
from watchdog_oom.paths import STATUS_NAME, STATUS_VERSION


@dataclass(slots=True)
class Health:
    """The health of the daemon: its ticks, how late they were (Law 11), what it lacks, and its policies. ``trash``
    tells by spool in how many directories how many entries wait to be deleted; ``recorder`` is the flight recorder's
    own."""

    started_wall: float = 0.0
    observe: bool = False
    ticks: int = 0
    late_ticks: int = 0
    failed_ticks: int = 0
    worst_late_seconds: float = 0.0
    journal_dropped: int = 0
    journal_seq: int = 0
    troubles: tuple[str, ...] = ()
    policy_faults: tuple[str, ...] = ()
    policy_notes: tuple[str, ...] = ()
    policy_loaded_wall: float = 0.0
    skipped: dict[str, int] = field(default_factory=dict)
    trash: dict[str, dict[str, int]] = field(default_factory=dict)
    recorder: dict[str, object] = field(default_factory=dict)


def write(runtime: str, plain: dict[str, object]) -> bool:
    """Replace the status file; returns whether that succeeded. A reader never sees a partial one."""
    return replace_file(f"{runtime}/{STATUS_NAME}", json.dumps(plain).encode(), 0o644)


def to_plain(snapshot: Snapshot, policy: Policy, history: History, health: Health, budget: Budget) -> dict[str, object]:
    """The status as documented in docs/commands.md; times are seconds since the epoch, durations seconds."""
    clock = snapshot.clock
    return {
        "v": STATUS_VERSION, "pid": os.getpid(), "written": clock.wall, "started": health.started_wall,
        "observe": health.observe, "boot": snapshot.boot_id,
        "policy": {"description": policy.description, "sources": policy.sources,
                   "loaded": health.policy_loaded_wall, "faults": health.policy_faults, "notes": health.policy_notes,
                   "stale": bool(health.policy_faults)},
        "memory": memory_plain(snapshot.memory), "memory_problem": snapshot.memory_problem or None,
        "pressure": pressure_plain(snapshot.pressure),
        "processes": len(snapshot.processes),
        "rules": {"protect": sorted(policy.protects), "limit": sorted(policy.limits),
                  "recover": sorted(policy.recovers), "clean": sorted(policy.cleans),
                  "emergency": policy.emergency.mode.value},
        "emergency": history.emergency, "pauses": _pauses(history, clock),
        "recoveries": {name: _recovery(policy, name, history.recoveries.get(name, Recovery()), snapshot)
                       for name in policy.recovers},
        "cleans": {name: _clean(View(snapshot, policy), name, history) for name in policy.cleans},
        "spools": {name: {"path": policy.spools[name].path, "entries": state.entries, "stale": state.stale,
                          "size_bytes": state.size_bytes, "oldest_seconds": round(state.oldest_seconds),
                          "problem": state.problem, "complete": state.complete, "gaps": state.gaps}
                   for name, state in snapshot.spools.items() if name in policy.spools},
        "trash": health.trash, "recorder": health.recorder,
        "services": {name: {"unit": state.unit, "status": state.status.value, "main_pid": state.main_pid,
                            "words": state.words, "memory": service_memory_plain(state.memory)}
                     for name, state in snapshot.services.items()},
        "protected": [{"pid": identity.pid, "name": adjusted.comm, "oom_score_adj": adjusted.value,
                       "was": adjusted.original, "not_written": adjusted.write.words or None}
                      for identity, adjusted in history.adjusted.items()],
        "ending": [{"pid": identity.pid, "name": ended.comm, "rule": ended.rule, "stage": ended.stage.value,
                    "for_seconds": round(clock.boottime - ended.since, 1)}
                   for identity, ended in history.terminations.items()],
        "frozen": [{"pid": identity.pid, "rule": rule} for identity, rule in history.frozen.items()],
        "contained": [{"unit": unit, "rule": contained.rule, "memory_high_bytes": contained.high_bytes,
                       "memory_max_bytes": contained.max_bytes, "was_high_bytes": contained.before_high_bytes,
                       "for_seconds": round(clock.boottime - contained.since, 1)}
                      for unit, contained in history.contained.items()],
        "budget": {"kills_per_minute": budget.kills_per_minute, "kills_last_minute": len(history.kills),
                   "purge_entries": budget.purge_entries},
        "hooks": _hooks(history, clock), "health": _health(health)}


def _pauses(history: History, clock: Clock) -> list[dict[str, object]]:
    return [{"rule": rule, "until": round(clock.wall + pause.until - clock.boottime),
             "for_seconds": round(pause.until - clock.boottime), "by": pause.by, "why": pause.why or None}
            for rule, pause in history.pauses.items()]


def _hooks(history: History, clock: Clock) -> dict[str, dict[str, object]]:
    hooks, to_wall = history.hooks, clock.wall - clock.boottime
    plain: dict[str, dict[str, object]] = {}
    for event, argv in hooks.settings.programs.items():
        count, running = hooks.counts.get(event, HookCount()), hooks.running.get(event)
        plain[event.value] = {
            "argv": argv, "for_seconds": None if running is None else round(clock.boottime - running.since, 1),
            "waiting": sum(kind is event for kind, _ in hooks.waiting), "runs": count.runs, "failed": count.failed,
            "passed_over": count.passed_over, "ok": count.last_ok, "last_failure": count.last_failure or None,
            "last_failed": count.failed_at + to_wall if count.last_failure else None}
    return plain


def _health(health: Health) -> dict[str, object]:
    return {"ticks": health.ticks, "late_ticks": health.late_ticks, "failed_ticks": health.failed_ticks,
            "worst_late_seconds": round(health.worst_late_seconds, 3), "skipped": health.skipped,
            "journal_seq": health.journal_seq, "journal_dropped": health.journal_dropped,
            "troubles": health.troubles}


def memory_plain(memory: Memory | None) -> dict[str, object] | None:
    if memory is None:
        return None
    return {"total_bytes": memory.total_bytes, "available_bytes": memory.available_bytes,
            "available_percent": round(memory.available_percent, 1), "swap_total_bytes": memory.swap_total_bytes,
            "swap_free_bytes": memory.swap_free_bytes, "swap_free_percent": round(memory.swap_free_percent, 1),
            "zfs_bytes": memory.zfs_bytes, "group": memory.group or None, "doubts": memory.doubts}


def service_memory_plain(memory: ServiceMemory | None) -> dict[str, object] | None:
    if memory is None:
        return None
    return {"held_bytes": memory.held_bytes, "cache_bytes": memory.cache_bytes, "problem": memory.problem or None}


def pressure_plain(pressure: Pressure | None) -> dict[str, object] | None:
    if pressure is None:
        return None
    return {"some_avg10": pressure.some_avg10_percent, "full_avg10": pressure.full_avg10_percent}


def _recovery(policy: Policy, name: str, state: Recovery, snapshot: Snapshot) -> dict[str, object]:
    recover = policy.recovers[name]
    now = snapshot.clock.boottime
    to_wall = snapshot.clock.wall - now
    run = state.run
    resting = 0.0 if state.ended is None else max(0.0, state.ended + wait_seconds(recover, state) - now)
    phase = "armed"
    if run is not None:
        phase = "running"
    elif state.held_since is not None:
        phase = "held"
    elif resting:
        phase = "cooling down"
    held_until = None if state.held_since is None else state.held_since + recover.per_seconds + to_wall
    return {
        "state": phase, "mode": recover.mode.value, "hours": str(recover.hours),
        "attempts": len([at for at in state.started if now - at < recover.per_seconds]),
        "attempts_allowed": recover.attempts, "per_seconds": recover.per_seconds,
        "cooldown_seconds": round(resting, 1), "held_until": held_until,
        "last_result": state.last_result or None, "last_ended": None if state.ended is None else state.ended + to_wall,
        "owed": list(state.owed),
        "run": None if run is None else {
            "incident": run.incident, "because": run.because, "phase": run.phase.value,
            "step": str(recover.steps[run.index]) if run.index < len(recover.steps) else None,
            "step_number": run.index + 1, "steps": len(recover.steps), "for_seconds": round(now - run.opened, 1),
            "probing": _probing(run.probing, now), "stopped": run.stopped, "failure": run.failure}}


def _clean(view: View, name: str, history: History) -> dict[str, object]:
    clean, now = view.policy.cleans[name], view.now
    to_wall = view.snapshot.clock.wall - now
    state = scheduled(clean, history.cleans.get(name), now)
    return {
        "state": "running" if state.runs else "waiting", "spool": clean.spool, "mode": clean.mode.value,
        "hours": str(clean.hours), "every_seconds": clean.every_seconds, "due": state.due + to_wall,
        "why_waiting": None if state.runs else why_waiting(view, clean, state, history) or None,
        "for_seconds": round(now - state.began, 1) if state.runs else None,
        "last_result": state.last_result or None,
        "last_ended": None if state.last_ended is None else state.last_ended + to_wall}


def _probing(probing: Probing | None, now: float) -> dict[str, object] | None:
    if probing is None:
        return None
    return {"service": probing.service, "tries": probing.tries, "for_seconds": round(now - probing.since, 1),
            "last": probing.words or None}
