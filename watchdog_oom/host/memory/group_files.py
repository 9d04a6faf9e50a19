"""Control groups that bound memory, version 1 and 2: where they are, and what their files say (cgroups(7))."""

from __future__ import annotations

import os

from watchdog_oom.host.kept_file import KeptFile
from watchdog_oom.lean_dataclasses import dataclass

_UNLIMITED_BYTES = 1 << 60  # version 1 says "no limit" with the largest multiple of a page


@dataclass(frozen=True, slots=True)
class Layout:
    """The names of one version: of its files, and of the fields in memory.stat, subgroups included."""

    filesystem: str
    controller: str
    limit: str
    usage: str
    swap_limit: str
    swap_usage: str
    anonymous: str
    shared: str
    mapped: str
    inactive_file: str
    active_file: str
    swap_includes_memory: bool


V1 = Layout("cgroup", "memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "memory.memsw.limit_in_bytes",
            "memory.memsw.usage_in_bytes", "total_rss", "total_shmem", "total_mapped_file", "total_inactive_file",
            "total_active_file", swap_includes_memory=True)
V2 = Layout("cgroup2", "", "memory.max", "memory.current", "memory.swap.max", "memory.swap.current", "anon", "shmem",
            "file_mapped", "inactive_file", "active_file", swap_includes_memory=False)


@dataclass(frozen=True, slots=True)
class GroupMemory:
    """What one control group may have and what it holds, in bytes. ``cache_bytes`` are files in memory, which the
    kernel drops before anybody has to die; ``swap_limit_bytes`` is ``None`` where swap is not bound."""

    limit_bytes: int
    used_bytes: int
    anonymous_bytes: int = 0
    shared_bytes: int = 0
    cache_bytes: int = 0
    swap_limit_bytes: int | None = None
    swap_used_bytes: int = 0


class GroupFiles:
    """The files of one control group, kept open. ``bounds_memory`` is false where it has none about memory, as the
    topmost group of version 2."""

    def __init__(self, path: str, layout: Layout) -> None:
        self.path = path
        self._layout = layout
        names = (layout.limit, layout.usage, layout.swap_limit, layout.swap_usage)
        self._numbers = {name: KeptFile(f"{path}/{name}") for name in names}
        self._stat = KeptFile(f"{path}/memory.stat")
        self.bounds_memory = self._numbers[layout.limit].read() is not None

    def limit_bytes(self) -> int | None:
        """The limit, or ``None`` where there is none."""
        return self._number(self._layout.limit)

    def read(self, limit_bytes: int) -> GroupMemory | None:
        """What the group holds; ``None`` where it cannot be read."""
        names = self._layout
        used, content = self._number(names.usage), self._stat.read()
        if used is None or content is None:
            return None
        stat = parse_stat(content)
        swap_limit, swap_used = self._number(names.swap_limit), self._number(names.swap_usage) or 0
        if names.swap_includes_memory:
            swap_limit = None if swap_limit is None else max(0, swap_limit - limit_bytes)
            swap_used = max(0, swap_used - used)
        return GroupMemory(limit_bytes, used, stat.get(names.anonymous, 0),
                           min(stat.get(names.shared, 0), stat.get(names.mapped, 0)),
                           stat.get(names.inactive_file, 0) + stat.get(names.active_file, 0), swap_limit, swap_used)

    def held(self) -> tuple[int, int] | None:
        """What the group and those below it hold without the inactive file cache, and that cache, in bytes; ``None``
        where it cannot be read, and ``problem`` says why."""
        used, content = self._number(self._layout.usage), self._stat.read()
        if used is None or content is None:
            return None
        cache = min(used, parse_stat(content).get(self._layout.inactive_file, 0))
        return used - cache, cache

    @property
    def problem(self) -> str:
        """Why the last reading failed, in words."""
        return self._numbers[self._layout.usage].problem or self._stat.problem

    def _number(self, name: str) -> int | None:
        content = self._numbers[name].read()
        return parse_limit(content) if content is not None else None

    def close(self) -> None:
        for file in (*self._numbers.values(), self._stat):
            file.close()


def parse_limit(content: bytes) -> int | None:
    """The number in a file of a control group; ``None`` for ``max`` and its like, and for nonsense."""
    word = content.strip()
    if not word.isdigit():
        return None
    number = int(word[:20])
    return number if number < _UNLIMITED_BYTES else None


def parse_stat(content: bytes) -> dict[str, int]:
    """memory.stat: a name and a number on each line; other lines are left out."""
    found = {}
    for line in content.splitlines():
        name, _, number = line.partition(b" ")
        if number.isdigit():
            found[name.decode("ascii", "replace")] = int(number[:20])
    return found


def group_path(content: bytes, layout: Layout) -> str | None:
    """The path in /proc/PID/cgroup of the group that bounds memory; ``None`` where there is none of that version, or
    where it lies outside of what can be seen (cgroup_namespaces(7))."""
    for line in content.splitlines():
        _, _, rest = line.partition(b":")
        controllers, _, path = rest.partition(b":")
        visible = path.startswith(b"/") and b".." not in path.split(b"/")
        if visible and layout.controller.encode() in controllers.split(b","):
            return os.fsdecode(path)
    return None


def group_mount(content: bytes, layout: Layout) -> tuple[str, str] | None:
    """Where the hierarchy that bounds memory is mounted, and which of its groups stands there (proc(5), mountinfo)."""
    for line in content.splitlines():
        before, _, after = line.partition(b" - ")
        fields, tail = before.split(b" "), after.split(b" ")
        if len(fields) < 5 or len(tail) < 3 or tail[0] != layout.filesystem.encode():
            continue
        if layout.controller and layout.controller.encode() not in tail[2].split(b","):
            continue
        return os.fsdecode(fields[4].replace(b"\\040", b" ")), os.fsdecode(fields[3])
    return None
