"""Who asked for memory, and for what: the GFP mask of a report, in names and in plain words.

The kernel names the flags itself since 4.6; its names win over every table.
"""

from __future__ import annotations

from watchdog_oom.kernel_log.gfp_bits import Version, names, version_of
from watchdog_oom.kernel_log.model import Event
from watchdog_oom.lean_dataclasses import dataclass

_UNKNOWN_2_6: Version = (2, 5, 0)
_UNKNOWN_OLD: Version = (2, 6, 31)
_UNKNOWN_NEW: Version = (5, 0, 0)
_OLD_WAITING = 0x10  # __GFP_WAIT until 4.3; the bit is __GFP_RECLAIMABLE since, which nothing sets with these
_HIGHMEM, _OLD_HARDWALL = 0x02, 0x20000  # memory of a process has both from 2.6.15 on
_EXPANDED = (("GFP_HIGHUSER_MOVABLE", ("HIGHMEM", "MOVABLE", "IO", "FS", "HARDWALL")),
             ("GFP_HIGHUSER", ("HIGHMEM", "IO", "FS", "HARDWALL")), ("GFP_USER", ("IO", "FS", "HARDWALL")),
             ("GFP_TRANSHUGE", ("HIGHMEM", "MOVABLE", "IO", "FS")), ("GFP_KERNEL", ("IO", "FS")),
             ("GFP_TEMPORARY", ("IO", "FS")), ("GFP_NOFS", ("IO",)), ("GFP_DMA32", ("DMA32",)), ("GFP_DMA", ("DMA",)))
_ALSO = (("ZERO", "to be cleared"), ("ACCOUNT", "charged to a control group"), ("NOFAIL", "not allowed to fail"),
         ("NORETRY", "allowed to fail"), ("RETRY_MAYFAIL", "allowed to fail"), ("THISNODE", "on one node only"),
         ("WRITE", "for data to be written to a disk"))


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for. ``flags`` without ``__GFP_``; ``known`` is false where the report has no mask: then nothing
    is said of where it had to lie."""

    names: tuple[str, ...]
    flags: frozenset[str]
    known: bool
    order: int | None

    @property
    def highmem(self) -> bool:
        """Whether it may lie in high memory."""
        return "HIGHMEM" in self.flags

    @property
    def movable(self) -> bool:
        """Whether it may lie in a Movable zone and in CMA's areas."""
        return "MOVABLE" in self.flags

    @property
    def words(self) -> str:
        """The use of the memory in plain words: ``memory for the kernel itself, to be cleared``."""
        if not self.known:
            return "memory"
        also = "".join(f", {words}" for flag, words in _ALSO if flag in self.flags)
        return f"{self.use}{also}"

    @property
    def use(self) -> str:
        """The same without what it had to be besides."""
        if "DMA" in self.flags:
            return "memory for an old device, in the first 16 MiB"
        if "DMA32" in self.flags:
            return "memory for a device, in the first 4 GiB"
        if self.highmem:
            return "memory of a process or of the page cache"
        if "HARDWALL" in self.flags:
            return "memory that the kernel shares with a process"
        if "IO" not in self.flags:
            return "memory for the kernel itself, in the middle of reading or writing a device"
        if "FS" not in self.flags:
            return "memory for the kernel itself, inside a filesystem"
        return "memory for the kernel itself"


def request_of(event: Event) -> Request:
    """What the event's invoker asked for; of 2.4, what the failed allocations before the kill did."""
    invoker = event.invoker
    mask, own, order = (invoker.gfp_mask, invoker.gfp_names, invoker.order) if invoker else (None, None, None)
    if mask is None and own is None and event.failed_allocations:
        failed = event.failed_allocations[-1]
        mask, order = failed.gfp_mask, failed.order if order is None else order
    if own:
        found = tuple(name.strip() for name in own.split("|") if name.strip())
    elif mask is not None:
        found = names(mask, version_of(event.kernel) or _guessed(mask))
    else:
        return Request((), frozenset(), False, order)
    return Request(found, _flags(found), True, order)


def _guessed(mask: int) -> Version:
    """A version with the right table where no line names one: kernels since 4.6 print the names beside the mask."""
    if not mask & _OLD_WAITING:
        return _UNKNOWN_NEW
    return _UNKNOWN_OLD if mask & _OLD_HARDWALL or not mask & _HIGHMEM else _UNKNOWN_2_6


def _flags(found: tuple[str, ...]) -> frozenset[str]:
    flags = {name.removeprefix("__GFP_") for name in found if name.startswith("__GFP_")}
    for name in found:
        for prefix, parts in _EXPANDED:
            if name.startswith(prefix):
                flags.update(parts)
                break
    return frozenset(flags)
