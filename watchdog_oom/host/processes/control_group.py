"""Which unit a process runs in, by its control group (cgroups(7)): parsing separate from reading."""

from __future__ import annotations

import sys

from watchdog_oom.host.processes.procfs import DELETED, read_file

_UNIT_SUFFIXES = (".service", ".scope", ".socket", ".mount", ".swap")
_USERS_MANAGER = "user@"
_CGROUP_BYTES = 16384


def path_of(content: bytes) -> bytes:
    """The path in systemd's tree, from /proc/PID/cgroup; empty if there is none.

    Both the unified hierarchy (``0::/…``) and version 1 (``name=systemd``) are supported. Where both are there, systemd
    itself goes by the second, also where that one names no unit: the other then tells only who started the process.
    """
    unified = b""
    for line in content.splitlines():
        _, _, named = line.partition(b":")
        controllers, _, path = named.partition(b":")
        if controllers == b"name=systemd":
            return path
        if controllers == b"":
            unified = path
    return unified


def units_of(path: bytes) -> tuple[str | None, str | None]:
    """The unit of the *system* manager: the first component of the path that is no slice; and if that is a user's own
    manager, the unit of that one, as ``user@1000.service/worker.service``.

    Below the first the tree may be delegated. So a user who names a control group ``mariadb.service`` gains nothing:
    what his manager runs belongs to ``user@1000.service``.
    """
    unit, rest = _first_unit(path.decode("utf-8", "surrogateescape").split("/"))
    if unit is None or not (unit.startswith(_USERS_MANAGER) and unit.endswith(".service")):
        return unit, None
    inner, _ = _first_unit(rest)
    return unit, None if inner is None else sys.intern(f"{unit}/{inner}")


def _first_unit(components: list[str]) -> tuple[str | None, list[str]]:
    """The first component that is no slice, if it is a unit, and what stands behind it."""
    for index, component in enumerate(components):
        # systemd puts "_" before a name that the kernel would take for one of its own files (cg_escape).
        name = component.removesuffix(DELETED).removeprefix("_")
        if name.endswith(_UNIT_SUFFIXES):
            return sys.intern(name), components[index + 1:]  # one text for all who live there
        if name not in ("", "..") and not name.endswith(".slice"):
            break
    return None, []


def read_units(root: str, pid: int) -> tuple[str | None, str | None]:
    """As ``units_of``; nothing if the process is gone or may not be read."""
    content = read_file(f"{root}/{pid}/cgroup", _CGROUP_BYTES)
    return units_of(path_of(content)) if content is not None else (None, None)
