"""What units hold, read from their control groups, only for the services that a clause asks about.

A reading is a number and memory.stat; to add the latter up the kernel may collect the counts of all CPUs first, under a
lock that all groups share (cgroup-v2, "rstat"). So a unit is read once a second at most.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from watchdog_oom.core.conditions.service import ServiceIs
from watchdog_oom.core.memory import ServiceMemory
from watchdog_oom.core.model import ServiceState, ServiceStatus
from watchdog_oom.core.policy import Policy
from watchdog_oom.core.unit_name import full_name
from watchdog_oom.host.memory.group_files import V1, V2, GroupFiles, Layout, group_mount
from watchdog_oom.lean_dataclasses import replace

AGAIN_SECONDS = 1.0
_DOWN = (ServiceStatus.INACTIVE, ServiceStatus.FAILED)
_NO_HIERARCHY = "this host keeps no account of memory by control group"
_NO_GROUP = "it has no control group of its own in which memory is accounted for"


def counted_services(policy: Policy) -> frozenset[str]:
    """The services whose memory a clause asks about."""
    return frozenset(condition.service for recover in policy.recovers.values() for clause in recover.when
                     for condition in clause.conditions
                     if isinstance(condition, ServiceIs) and condition.memory_above is not None)


def usual_groups(unit: str) -> tuple[str, ...]:
    """Where systemd puts a service that says nothing of a slice (systemd.special(7), system.slice): instances of a
    template have a slice of their own, in whose name a dash is escaped (systemd.unit(5))."""
    name = full_name(unit)
    template, at, _ = name.partition("@")
    if not at:
        return (f"/system.slice/{name}",)
    escaped = "".join(char if char.isalnum() or char in ":_." else f"\\x{ord(char):02x}" for char in template)
    return (f"/system.slice/system-{escaped}.slice/{name}", f"/system.slice/{name}")


class ServiceMemoryReader:
    """Reads below the hierarchies that ``proc`` says are mounted. ``grouped``: the service manager gives every unit
    that runs a group, so that one that is down and has none holds nothing."""

    def __init__(self, proc: str = "/proc", *, grouped: bool) -> None:
        self._grouped = grouped
        self._mounts: tuple[tuple[Layout, str, str], ...] | None = None
        self._proc = proc
        self._told: dict[str, str] = {}
        self._files: dict[str, GroupFiles] = {}
        self._last: dict[str, tuple[float, ServiceMemory]] = {}

    def complete(self, states: Mapping[str, ServiceState], names: Iterable[str], now: float) -> dict[str, ServiceState]:
        """The states, those of these services with their memory; ``now`` is in seconds of CLOCK_BOOTTIME. Units that
        are not asked about are forgotten."""
        asked = {name: states[name] for name in names if name in states}
        units = {state.unit for state in asked.values()}
        for unit in [unit for unit in self._last if unit not in units]:
            self._forget(unit)
        return {**states, **{name: replace(state, memory=self._memory(state, now)) for name, state in asked.items()}}

    def close(self) -> None:
        for unit in tuple(self._last):
            self._forget(unit)

    def _forget(self, unit: str) -> None:
        self._last.pop(unit, None)
        self._told.pop(unit, None)
        self._drop_files(unit)

    def _drop_files(self, unit: str) -> None:
        files = self._files.pop(unit, None)
        if files is not None:
            files.close()

    def _memory(self, state: ServiceState, now: float) -> ServiceMemory:
        last = self._last.get(state.unit)
        if last is not None and 0 <= now - last[0] < AGAIN_SECONDS and not self._moved(state):
            return last[1]
        memory = self._read(state)
        self._last[state.unit] = (now, memory)
        return memory

    def _moved(self, state: ServiceState) -> bool:
        """Whether the service manager names another group than before; one that is down is told without a group."""
        return bool(state.control_group) and self._told.get(state.unit) != state.control_group

    def _read(self, state: ServiceState) -> ServiceMemory:
        if self._moved(state):
            self._told[state.unit] = state.control_group
            self._drop_files(state.unit)
        problem = ""
        for _ in range(2):  # the group that was kept open may be gone
            files = self._files.get(state.unit) or self._find(state.unit)
            if files is None:
                return self._without_group(state)
            self._files[state.unit] = files
            held = files.held()
            if held is not None:
                return ServiceMemory(*held)
            problem = files.problem
            self._drop_files(state.unit)
        return ServiceMemory(problem=problem or _NO_GROUP)

    def _without_group(self, state: ServiceState) -> ServiceMemory:
        if not self._mounts:
            return ServiceMemory(problem=_NO_HIERARCHY)
        down = self._grouped and state.status in _DOWN
        return ServiceMemory(0) if down else ServiceMemory(problem=_NO_GROUP)

    def _find(self, unit: str) -> GroupFiles | None:
        """The unit's group: where the service manager says it is or was, else where it usually is."""
        if self._mounts is None:
            self._mounts = _mounts(self._proc)
        told = self._told.get(unit)
        for path in (told,) if told is not None else usual_groups(unit):
            for layout, mounted_at, top in self._mounts:
                within = os.path.relpath(path, top)
                if not path.startswith("/") or ".." in within.split("/"):
                    continue
                files = GroupFiles(os.path.join(mounted_at, within), layout)
                if files.bounds_memory:
                    return files
                files.close()
        return None


def _mounts(proc: str) -> tuple[tuple[Layout, str, str], ...]:
    """The hierarchies that account for memory: where each is mounted, and which of its groups stands there."""
    try:
        with open(os.path.join(proc, "self/mountinfo"), "rb") as file:
            content = file.read()
    except OSError:
        return ()
    found = ((layout, group_mount(content, layout)) for layout in (V1, V2))
    return tuple((layout, *mount) for layout, mount in found if mount is not None)
