"""Free memory and swap: /proc/meminfo."""

from __future__ import annotations

from watchdog_oom.core.memory import Memory
from watchdog_oom.host.kept_file import KeptFile
from watchdog_oom.host.memory.group_limit import GroupLimit
from watchdog_oom.host.memory.zfs_cache import ZfsCache, with_zfs_cache

_KIB = 1024
_WANTED = {name.encode(): name for name in (
    "MemTotal", "MemFree", "MemAvailable", "Buffers", "Cached", "AnonPages", "Mapped", "Shmem", "SwapTotal",
    "SwapFree")}


def parse_meminfo(content: bytes) -> Memory:
    """/proc/meminfo as proc(5) describes it; ``ValueError`` if it does not say how much memory there is.

    Kernels before 3.14 have no MemAvailable: there it is estimated as what is free plus the caches, less the
    shared memory that is counted as cache but cannot be dropped. Where fields contradict each other, as those of a
    container and of its host do side by side, the one that cannot be is left out, and ``doubts`` say so.

    Shared memory counts as held by processes as far as it may be mapped: Shmem, but no more than Mapped. Of that a part
    may be mapped files, but those are cache and count as available, too, so they cannot make the share small.
    """
    kib = _fields(content)
    try:
        total, doubts = kib["MemTotal"], list[str]()
        if total == 0:
            raise ValueError("meminfo: no memory at all")
        available = _available(kib, doubts)
        anonymous = _anonymous(kib, available, doubts)
        shared = min(kib.get("Shmem", 0), kib.get("Mapped", 0), total - available - anonymous)
        swap_free = _swap_free(kib, doubts)
    except KeyError as error:
        raise ValueError(f"meminfo has no {error.args[0]}") from None
    return Memory(
        total_bytes=total * _KIB, available_bytes=available * _KIB, anonymous_bytes=anonymous * _KIB,
        swap_total_bytes=kib["SwapTotal"] * _KIB, swap_free_bytes=swap_free * _KIB, shared_bytes=shared * _KIB,
        doubts=tuple(doubts))


def _fields(content: bytes) -> dict[str, int]:
    """The ``Name: number`` lines that matter; others are left out, so a new kernel's additions do no harm. They come in
    the first half, so the rest is hardly ever looked at."""
    fields = {}
    for line in content.splitlines():
        name, _, rest = line.partition(b":")
        if name in _WANTED:
            number = rest.split(None, 1)[:1]
            if number and number[0].isdigit():
                fields[_WANTED[name]] = int(number[0][:20])
                if len(fields) == len(_WANTED):
                    break
    return fields


def _available(kib: dict[str, int], doubts: list[str]) -> int:
    if "MemAvailable" not in kib:
        return _estimated_available(kib)
    if kib["MemAvailable"] <= kib["MemTotal"]:
        return kib["MemAvailable"]
    if kib["MemFree"] > kib["MemTotal"] or not {"Buffers", "Cached"} <= kib.keys():
        raise ValueError("meminfo: more memory available than there is, and nothing to estimate it from")
    doubts.append("meminfo: more memory available than there is; it is estimated from what is free and cached")
    return _estimated_available(kib)


def _estimated_available(kib: dict[str, int]) -> int:
    reclaimable = kib["MemFree"] + kib["Buffers"] + kib["Cached"] - kib.get("Shmem", 0)
    return min(max(0, reclaimable), kib["MemTotal"])


def _anonymous(kib: dict[str, int], available: int, doubts: list[str]) -> int:
    """At most what is not available can be anonymous; the fields are not all of exactly the same moment."""
    if kib["AnonPages"] > kib["MemTotal"]:
        doubts.append("meminfo: more anonymous memory than there is; all that is not available counts as held")
    return min(kib["AnonPages"], kib["MemTotal"] - available)


def _swap_free(kib: dict[str, int], doubts: list[str]) -> int:
    if kib["SwapFree"] > kib["SwapTotal"]:
        doubts.append("meminfo: more swap free than there is; all of it counts as free")
    return min(kib["SwapFree"], kib["SwapTotal"])


class MemoryReader:
    """Reads how much memory there is, below ``root``: meminfo, what ZFS would give back, and the limit of a container.

    A bad reading is ``None``, counted in ``skipped``, told in ``problem`` (Law 10); ``doubted`` counts those that
    contradicted themselves and were set right.
    """

    def __init__(self, root: str = "/proc") -> None:
        self.skipped = 0
        self.doubted = 0
        self.problem = ""
        self._file = KeptFile(f"{root}/meminfo")
        self._zfs = ZfsCache(root)
        self._limit = GroupLimit(root)

    def read(self) -> Memory | None:
        content = self._file.read()
        self.problem = self._file.problem
        if content is not None:
            try:
                memory = self._limit.bound(with_zfs_cache(parse_meminfo(content), self._zfs.read()))
            except ValueError as error:
                self.problem = str(error)
            else:
                self.doubted += bool(memory.doubts)
                return memory
        self.skipped += 1
        return None

    @property
    def trouble(self) -> str:
        """In words, a limit of the daemon's own control group that is not that of the host's processes; else empty."""
        return self._limit.trouble

    def close(self) -> None:
        for part in (self._file, self._zfs, self._limit):
            part.close()
