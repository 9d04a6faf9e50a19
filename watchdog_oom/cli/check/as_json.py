"""The JSON of ``watchdog-oom check``, as docs/commands.md describes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from watchdog_oom.cli.check.around import Around
from watchdog_oom.cli.loaded import LoadedPolicy
from watchdog_oom.daemon.status_file import service_memory_plain
from watchdog_oom.errors import Fault, PolicyError
from watchdog_oom.journal.targets import describe

JSON_VERSION = 1


def invalid(error: PolicyError) -> dict[str, object]:
    return {"v": JSON_VERSION, "valid": False, "faults": [_fault(fault) for fault in error.faults]}


def to_plain(loaded: LoadedPolicy, around: Around | None, notes: Iterable[str], warnings: tuple[Fault, ...],
             ) -> dict[str, object]:
    """The JSON document as docs/commands.md describes it; with ``--no-host``, ``host`` is null."""
    policy = loaded.policy
    return {"v": JSON_VERSION, "valid": True, "description": policy.description, "sources": policy.sources,
            "nouns": {"process": list(policy.processes), "spool": list(policy.spools),
                      "service": list(policy.services)},
            "rules": {"protect": list(policy.protects), "limit": list(policy.limits),
                      "recover": list(policy.recovers), "clean": list(policy.cleans),
                      "emergency": policy.emergency.mode.value},
            "host": None if around is None else _matches(around),
            "notes": list(notes), "warnings": [_fault(warning) for warning in warnings]}


def _matches(around: Around) -> Mapping[str, Any]:
    host, view = around.host, around.view
    clock = host.snapshot.clock
    return {
        "processes": {noun: [describe(host.describable(process), clock) | around.details.of(process).to_plain()
                             for process in view.matching(noun)]
                      for noun in view.policy.processes},
        "spools": {name: {"path": view.policy.spools[name].path, "entries": state.entries, "stale": state.stale,
                          "size_bytes": state.size_bytes, "oldest_seconds": round(state.oldest_seconds),
                          "problem": state.problem, "complete": state.complete, "gaps": state.gaps}
                   for name, state in host.snapshot.spools.items()},
        "services": {name: {"unit": state.unit, "status": state.status.value, "words": state.words,
                            "memory": service_memory_plain(state.memory),
                            "listens": [str(port) for port in around.ports[name]] if name in around.ports else None}
                     for name, state in host.snapshot.services.items()},
        "booted": around.booted, "logins": [login.to_plain() for login in around.logins]}


def _fault(fault: Fault) -> dict[str, object]:
    return {"file": fault.file, "line": fault.line, "where": fault.where, "what": fault.what}
