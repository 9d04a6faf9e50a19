"""The cache of ZFS, which shrinks when memory is asked for and which MemAvailable does not count."""

from __future__ import annotations

from watchdog_oom.core.memory import Memory
from watchdog_oom.host.kept_file import KeptFile
from watchdog_oom.lean_dataclasses import replace

_LOOK_AGAIN_AFTER = 256


def parse_arcstats(content: bytes) -> int:
    """How many bytes the cache (ARC) can give back: its size above its minimum (kstat ``arcstats`` of OpenZFS). 0 where
    it does not say."""
    found = {}
    for line in content.splitlines():
        if line.startswith((b"size ", b"c_min ")):
            name, _, number = [*line.split(None, 2), b"", b""][:3]
            if number.isdigit():
                found[name] = int(number[:20])
    return max(0, found.get(b"size", 0) - found[b"c_min"]) if b"c_min" in found else 0


def with_zfs_cache(memory: Memory, zfs_bytes: int) -> Memory:
    """The same memory with that much more available, as far as there is room for it beside what processes hold."""
    room = memory.total_bytes - memory.userspace_bytes
    zfs_bytes = min(zfs_bytes, max(0, room))
    if not zfs_bytes:
        return memory
    return replace(memory, available_bytes=memory.available_bytes + zfs_bytes, zfs_bytes=zfs_bytes)


class ZfsCache:
    """Reads arcstats below ``root``. Hosts without ZFS have none: then it is looked for once in a while, since the
    module may be loaded later."""

    def __init__(self, root: str = "/proc") -> None:
        self._file = KeptFile(f"{root}/spl/kstat/zfs/arcstats")
        self._skip = 0

    def read(self) -> int:
        """Bytes that the cache can give back now."""
        if self._skip:
            self._skip -= 1
            return 0
        content = self._file.read()
        if content is None:
            self._skip = _LOOK_AGAIN_AFTER
            return 0
        return parse_arcstats(content)

    def close(self) -> None:
        self._file.close()
