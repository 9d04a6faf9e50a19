"""The processes in the control group of a unit (cgroups(7))."""

from __future__ import annotations

import os

CGROUPS = "/sys/fs/cgroup"
# Where systemd's tree of units may be mounted: alone (unified), or beside version 1 hierarchies.
_TREES = ("", "systemd", "unified")
_MOST_GROUPS = 256


def members(control_group: str, root: str = CGROUPS) -> tuple[int, ...]:
    """The pids in a control group and those below it; none if the group does not exist or cannot be read.

    Zombies are in no group (cgroup-v2, "Processes").
    """
    parts = control_group.split("/")[1:]
    if not control_group.startswith("/") or not all(parts) or ".." in parts:
        return ()
    found: set[int] = set()
    for tree in _TREES:
        found.update(_below(os.path.join(root, tree, *parts)))
    return tuple(sorted(found))


def _below(top: str) -> set[int]:
    pids: set[int] = set()
    groups = [top]
    for group in groups:
        pids.update(_read(os.path.join(group, "cgroup.procs")))
        if len(groups) < _MOST_GROUPS:
            groups += _children(group)
    return pids


def _read(path: str) -> list[int]:
    try:
        with open(path, "rb") as file:
            return [int(word) for word in file.read().split() if word.isdigit() and int(word)]
    except OSError:
        return []


def _children(group: str) -> list[str]:
    try:
        with os.scandir(group) as entries:
            return [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []
