"""Free memory and swap: /proc/meminfo."""

from __future__ import annotations

from watchdog_oom.core.memory import Memory
from watchdog_oom.host.kept_file import KeptFile

_KIB = 1024


def parse_meminfo(content: bytes) -> Memory:
    """/proc/meminfo as proc(5) describes it; ``ValueError`` where fields are missing or contradict each other.

    Kernels before 3.14 do not tell MemAvailable: there it is estimated as what is free plus the caches, less the
    shared memory that is counted as cache but cannot be dropped.
    """
    kib = _fields(content)
    try:
        available = kib["MemAvailable"] if "MemAvailable" in kib else _estimated_available(kib)
        memory = Memory(
            total_bytes=kib["MemTotal"] * _KIB,
            available_bytes=available * _KIB,
            anonymous_bytes=kib["AnonPages"] * _KIB,
            swap_total_bytes=kib["SwapTotal"] * _KIB,
            swap_free_bytes=kib["SwapFree"] * _KIB)
    except KeyError as error:
        raise ValueError(f"meminfo has no {error.args[0]}") from None
    _require_sense(memory)
    return memory


def _fields(content: bytes) -> dict[str, int]:
    """Every ``Name: number`` line; other lines are left out, so a new kernel's additions do no harm."""
    fields = {}
    for line in content.splitlines():
        name, colon, rest = line.partition(b":")
        number = rest.split(None, 1)[:1]
        if colon and number and number[0].isdigit():
            fields[name.decode("ascii", "replace")] = int(number[0][:20])
    return fields


def _estimated_available(kib: dict[str, int]) -> int:
    reclaimable = kib["MemFree"] + kib["Buffers"] + kib["Cached"] - kib.get("Shmem", 0)
    return min(max(0, reclaimable), kib["MemTotal"])


def _require_sense(memory: Memory) -> None:
    if memory.total_bytes == 0:
        raise ValueError("meminfo: no memory at all")
    if memory.available_bytes > memory.total_bytes:
        raise ValueError("meminfo: more memory available than there is")
    if memory.anonymous_bytes > memory.total_bytes:
        raise ValueError("meminfo: more anonymous memory than there is")
    if memory.swap_free_bytes > memory.swap_total_bytes:
        raise ValueError("meminfo: more swap free than there is")


class MemoryReader:
    """Reads meminfo below ``root``. A bad reading is ``None``, counted in ``skipped``, told in ``problem`` (Law 10)."""

    def __init__(self, root: str = "/proc") -> None:
        self.skipped = 0
        self.problem = ""
        self._file = KeptFile(f"{root}/meminfo")

    def read(self) -> Memory | None:
        content = self._file.read()
        self.problem = self._file.problem
        if content is not None:
            try:
                return parse_meminfo(content)
            except ValueError as error:
                self.problem = str(error)
        self.skipped += 1
        return None

    def close(self) -> None:
        self._file.close()
