"""How much memory and swap there is, and how long processes wait for it."""

from __future__ import annotations

from watchdog_oom.lean_dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory and swap in bytes: of the host, or of the control group ``group`` where its limit is the one that counts.

    ``available_bytes`` is what can be had without ending anybody (MemAvailable, proc(5)), ``zfs_bytes`` of it from the
    cache of ZFS, which the kernel does not count. ``anonymous_bytes`` and ``shared_bytes`` are what processes hold and
    their end gives back. ``doubts`` says in words where the reading contradicted itself, and what was taken instead.
    """

    total_bytes: int
    available_bytes: int
    anonymous_bytes: int
    swap_total_bytes: int
    swap_free_bytes: int
    shared_bytes: int = 0
    zfs_bytes: int = 0
    group: str = ""
    doubts: tuple[str, ...] = ()

    @property
    def userspace_bytes(self) -> int:
        """What user space could ever have: what is available, and what processes hold. A tmpfs full of files that
        nobody maps is in neither."""
        return self.available_bytes + self.anonymous_bytes + self.shared_bytes

    @property
    def available_percent(self) -> float:
        """What is available in percent of what user space could ever have."""
        return 100.0 * self.available_bytes / self.userspace_bytes if self.userspace_bytes else 100.0

    @property
    def swap_free_percent(self) -> float:
        """Free swap in percent of all swap; 0 on a host without swap, so every ``swap_free_below`` is met."""
        return 100.0 * self.swap_free_bytes / self.swap_total_bytes if self.swap_total_bytes else 0.0


@dataclass(frozen=True, slots=True)
class Sharing:
    """How much of a process's resident memory is its own, in bytes; ``None``: not known.

    ``pss_bytes`` is its share, pages of several processes divided by their number. ``anonymous_bytes``, read where a
    share cannot be had, belongs to no file and no shared mapping; a page that is shared since a fork counts in full in
    each process. ``awaited``: the share has been asked for a moment ago.
    """

    pss_bytes: int | None = None
    anonymous_bytes: int | None = None
    awaited: bool = False


@dataclass(frozen=True, slots=True)
class ServiceMemory:
    """What the control group of a unit really holds, in bytes: without ``cache_bytes``, the inactive file cache that
    the kernel gives back before anybody has to die. ``held_bytes`` is ``None`` where it is not known, and ``problem``
    says why, in words."""

    held_bytes: int | None = None
    cache_bytes: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Pressure:
    """/proc/pressure/memory: shares of time stalled in percent over 10 s, totals in microseconds (accounting/psi)."""

    some_avg10_percent: float
    full_avg10_percent: float
    some_total_us: int = 0
    full_total_us: int = 0
