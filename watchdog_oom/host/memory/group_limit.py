"""The memory limit of the container in which everything runs that can be seen.

A limit counts if it binds pid 1 as well: then it binds everything that the daemon watches. One that binds the daemon
alone (``MemoryMax=`` of its own unit) says nothing about the host's memory.
"""

from __future__ import annotations

import os

from watchdog_oom import formatting
from watchdog_oom.core.memory import Memory
from watchdog_oom.host.memory.group_files import V1, V2, GroupFiles, GroupMemory, Layout, group_mount, group_path
from watchdog_oom.lean_dataclasses import replace


def bounded(memory: Memory, group: GroupMemory, name: str) -> Memory:
    """The host's memory as far as the group may use it: what is short in either is short."""
    total = min(memory.total_bytes, group.limit_bytes)
    within = max(0, total - max(0, group.used_bytes - group.cache_bytes))
    available = min(memory.available_bytes, within)
    anonymous = min(group.anonymous_bytes, total - available)
    swap_total, swap_free = memory.swap_total_bytes, memory.swap_free_bytes
    if group.swap_limit_bytes is not None:
        swap_total = min(swap_total, group.swap_limit_bytes)
        swap_free = max(0, min(swap_free, swap_total - group.swap_used_bytes))
    return replace(
        memory, total_bytes=total, available_bytes=available, anonymous_bytes=anonymous,
        shared_bytes=min(group.shared_bytes, total - available - anonymous), swap_total_bytes=swap_total,
        swap_free_bytes=swap_free, zfs_bytes=0, group=name)


class GroupLimit:
    """Watches the limits on the way from the container's own control group up to the topmost one that can be seen.

    ``trouble`` says in words that a limit of the daemon's own group is not taken for that of the host.
    """

    def __init__(self, root: str = "/proc") -> None:
        self.trouble = ""
        self._levels: list[tuple[str, GroupFiles]] = []
        try:
            own, first, mounts = (_content(f"{root}/{name}") for name in ("self/cgroup", "1/cgroup", "self/mountinfo"))
        except OSError:
            return  # a recorded /proc, or a kernel without control groups
        for layout in (V1, V2):
            self._find(own, first, mounts, layout)

    def bound(self, memory: Memory) -> Memory:
        """The memory, bounded by the tightest limit that is below what there is."""
        tightest = memory
        for name, files in self._levels:
            limit = files.limit_bytes()
            group = files.read(limit) if limit is not None and limit < memory.total_bytes else None
            if group is not None:
                here = bounded(memory, group, name)
                if tightest is memory or here.available_percent < tightest.available_percent:
                    tightest = here
        return tightest

    def close(self) -> None:
        for _, files in self._levels:
            files.close()

    def _find(self, own: bytes, first: bytes, mounts: bytes, layout: Layout) -> None:
        path, mount = group_path(own, layout), group_mount(mounts, layout)
        if path is None or mount is None:
            return
        first_path = group_path(first, layout)
        for level in _upwards(path, mount[1]):
            files = GroupFiles(os.path.normpath(f"{mount[0]}/{os.path.relpath(level, mount[1])}"), layout)
            if not files.bounds_memory:
                continue
            if first_path is not None and _is_below(first_path, level):
                self._levels.append((level, files))
                continue
            limit = files.limit_bytes()
            if limit is not None and limit < _ram_bytes():
                self.trouble = (f"the daemon's own control group is limited to {formatting.size(limit)}, and pid 1 is "
                                f"outside: the memory of the whole host is what is watched")
            files.close()


def _content(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _upwards(path: str, top: str) -> list[str]:
    """The group and those above it, as far as they can be seen from the mounted one."""
    levels = []
    while _is_below(path, top):
        levels.append(path)
        if path == "/":
            break
        path = os.path.dirname(path)
    return levels


def _is_below(path: str, above: str) -> bool:
    return path == above or path.startswith(above.rstrip("/") + "/")


def _ram_bytes() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
