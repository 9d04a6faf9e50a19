"""Warnings that need the host: what does not exist, what is out of reach, what would happen right now."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from watchdog_oom.cli.check.lint import targets
from watchdog_oom.cli.check.missing import Missing
from watchdog_oom.cli.check.near import near
from watchdog_oom.cli.check.warned import Warned
from watchdog_oom.cli.host_view import HostView
from watchdog_oom.core.conditions.service import ServiceIs
from watchdog_oom.core.guard import untouchable
from watchdog_oom.core.matching import names_target
from watchdog_oom.core.model import Process, ServiceStatus
from watchdog_oom.core.rules.lost_senses import BLIND
from watchdog_oom.core.view import View
from watchdog_oom.explain.rehearsal import Rehearsal
from watchdog_oom.policy.exe_links import lead, plain_paths
from watchdog_oom.policy.lines import Path

_UNIT_DIRECTORIES = ("/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
MOST_NAMED = 3


def lint_host(host: HostView, rehearsal: Rehearsal, values: Mapping[str, Any]) -> Iterator[Warned]:
    """Every warning with the path of its table and key; ``values`` are the policy's plain values."""
    if host.snapshot.memory is None:
        yield ("emergency",), f"{BLIND} ({host.snapshot.memory_problem})"
    missing = Missing(host, values)
    for noun in rehearsal.view.policy.processes.values():
        users = missing.users(noun)
        yield from users
        if not rehearsal.view.matching(noun.name):
            place, what = missing.why(rehearsal.view, noun)
            if place not in [path for path, _ in users]:
                yield place, what
    yield from _links(values)
    yield from _spools(rehearsal.view)
    yield from _services(host, rehearsal.view)
    yield from _service_memory(rehearsal.view)
    yield from _pressure(host, values)
    yield from _out_of_reach(rehearsal.view)
    yield from _acting(rehearsal)


def _links(values: Mapping[str, Any]) -> Iterator[Warned]:
    for noun, table in values.get("process", {}).items():
        for path in sorted(plain_paths({"process": {noun: table}})):
            real, unsafe = lead(path)
            if unsafe:
                yield (("process", noun, "exe"),
                       f'"{path}" is a link to {real} that is not followed: {unsafe}, who could point it elsewhere')


def _spools(view: View) -> Iterator[Warned]:
    for name, state in view.snapshot.spools.items():
        if state.problem is not None:
            yield ("spool", name, "path"), state.problem


def _services(host: HostView, view: View) -> Iterator[Warned]:
    for name, service in view.policy.services.items():
        state = view.snapshot.services.get(name)
        if not host.manager.exists(service.unit):
            hint = near(service.unit, _unit_names(host))
            script = "unit" if host.manager.name == "systemd" else "init script"
            yield ("service", name, "unit"), f"there is no {script} {service.unit} here{hint}"
        elif state is not None and state.status is ServiceStatus.MISSING:
            yield ("service", name, "unit"), f"{service.unit} cannot be started: {state.words}"
        elif state is not None and not state.knowable:
            yield ("service", name, "unit"), (
                f"its state cannot be known: {state.words}. So its failure starts no recovery, one that you stopped is "
                f"started with the others, and a stop or a start counts as done when the script says so"
                + ("" if service.probe else "; give it a probe, or no verify can succeed"))
        for trigger in service.triggers:
            if not host.manager.exists(trigger):
                yield ("service", name, "triggers"), f"there is no {trigger} here"


def _unit_names(host: HostView) -> list[str]:
    directories = _UNIT_DIRECTORIES if host.manager.name == "systemd" else (getattr(host.manager, "init_dir", ""),)
    return [name for directory in directories if os.path.isdir(directory) for name in os.listdir(directory)
            if host.manager.name != "systemd" or name.endswith(".service")]


def _service_memory(view: View) -> Iterator[Warned]:
    for recover in view.policy.recovers.values():
        for index, clause in enumerate(recover.when):
            for condition in clause.conditions:
                state = view.snapshot.services.get(condition.service) if isinstance(condition, ServiceIs) else None
                if state is not None and state.memory is not None and state.memory.held_bytes is None:
                    why = f"{state.memory.problem}, so the clause never holds"
                    yield (("recover", recover.name, "when", index, "service_memory_above"),
                           f"what {state.unit} holds is not known here: {why}")


def _pressure(host: HostView, values: Mapping[str, Any]) -> Iterator[Warned]:
    if host.snapshot.pressure is not None:
        return
    for key in ("pressure_full_above", "pressure_for"):
        if key in values.get("emergency", {}):
            yield ("emergency", key), "this kernel reports no memory pressure, so the emergency never acts on it"
    for name, recover in values.get("recover", {}).items():
        for index, clause in enumerate(recover["when"]):
            for key in ("pressure_some_above", "pressure_full_above"):
                if key in clause:
                    yield (("recover", name, "when", index, key),
                           "this kernel reports no memory pressure, so the clause never holds")


def _out_of_reach(view: View) -> Iterator[Warned]:
    """Processes that a rule selects and the guard refuses; not reported if the noun itself is protected, which has its
    own warning."""
    protected = {protect.process for protect in view.policy.protects.values()}
    for path, noun in targets(view.policy):
        if noun in protected:
            continue
        kept = [f"{process.label}: {reason}" for process in view.matching(noun)
                if (reason := untouchable(process, view, explicit=_named(view, path, noun, process))) is not None]
        if kept:
            more = f", and {len(kept) - MOST_NAMED} more" if len(kept) > MOST_NAMED else ""
            yield path, f"out of its reach: {', '.join(kept[:MOST_NAMED])}{more}"


def _named(view: View, path: Path, noun: str, process: Process) -> bool:
    return path[0] != "emergency" and names_target(view.policy.processes[noun], process)


def _acting(rehearsal: Rehearsal) -> Iterator[Warned]:
    for intent in rehearsal.plan.intents:
        kind, _, name = intent.rule.partition(".")
        if kind != "protect":
            why = "; ".join(intent.because)
            yield (kind, name) if name else (kind,), f"would act now: {intent.action}, because {why}"
    for report in rehearsal.recoveries:
        for index, clause in enumerate(report.clauses):
            if report.runs and clause.holds:
                evidence = "; ".join(finding.words for finding in clause.findings)
                yield ("recover", report.recover.name, "when", index), f"would run now: {evidence}"
