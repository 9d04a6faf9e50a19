"""The bits of a GFP mask by version of the kernel: ``include/linux/gfp.h``, since 6.0 ``gfp_types.h``."""

from __future__ import annotations

from collections.abc import Mapping

Version = tuple[int, int, int]
_LOW = {0x01: "DMA", 0x02: "HIGHMEM"}
_OLD = {0x10: "WAIT", 0x20: "HIGH", 0x40: "IO"}
_ACTIONS = {0x80: "FS", 0x100: "COLD", 0x200: "NOWARN", 0x400: "REPEAT", 0x800: "NOFAIL", 0x1000: "NORETRY",
            0x4000: "COMP", 0x8000: "ZERO", 0x10000: "NOMEMALLOC"}
_ZONES = {**_LOW, 0x04: "DMA32", 0x08: "MOVABLE"}
_SINCE_4_4 = {**_ZONES, 0x10: "RECLAIMABLE", 0x20: "HIGH", 0x40: "IO", **_ACTIONS, 0x2000: "MEMALLOC",
              0x20000: "HARDWALL", 0x40000: "THISNODE", 0x80000: "ATOMIC", 0x100000: "ACCOUNT"}
_SINCE_4_10 = {**_SINCE_4_4, 0x400: "RETRY_MAYFAIL", 0x400000: "DIRECT_RECLAIM", 0x800000: "WRITE",
               0x1000000: "KSWAPD_RECLAIM"}
TABLES: tuple[tuple[Version, Mapping[int, str]], ...] = (  # the first version of each, the newest last
    ((2, 4, 0), {**_LOW, **_OLD, 0x80: "HIGHIO", 0x100: "FS"}),
    ((2, 5, 0), {**_LOW, **_OLD, **_ACTIONS, 0x2000: "NO_GROW", 0x20000: "NORECLAIM", 0x40000: "HARDWALL"}),
    ((2, 6, 15), {**_LOW, 0x04: "DMA32", **_OLD, **_ACTIONS, 0x2000: "NO_GROW", 0x20000: "HARDWALL",
                  0x40000: "THISNODE", 0x80000: "RECLAIMABLE", 0x100000: "MOVABLE"}),
    ((2, 6, 31), {**_ZONES, **_OLD, **_ACTIONS, 0x2000: "MEMALLOC", 0x20000: "HARDWALL", 0x40000: "THISNODE",
                  0x80000: "RECLAIMABLE", 0x100000: "KMEMCG", 0x200000: "NOTRACK", 0x400000: "NO_KSWAPD",
                  0x800000: "OTHER_NODE", 0x1000000: "WRITE"}),
    ((4, 4, 0), {**_SINCE_4_4, 0x200000: "NOTRACK", 0x400000: "DIRECT_RECLAIM", 0x800000: "OTHER_NODE",
                 0x1000000: "WRITE", 0x2000000: "KSWAPD_RECLAIM"}),
    ((4, 10, 0), {**_SINCE_4_10, 0x200000: "NOTRACK", 0x2000000: "NOLOCKDEP"}),
    ((4, 18, 0), {**_SINCE_4_4, 0x100: "WRITE", 0x400: "RETRY_MAYFAIL", 0x200000: "DIRECT_RECLAIM",
                  0x400000: "KSWAPD_RECLAIM", 0x800000: "NOLOCKDEP"}),
    ((5, 0, 0), {**_ZONES, 0x10: "RECLAIMABLE", 0x20: "HIGH", 0x40: "IO", 0x80: "FS", 0x100: "ZERO", 0x200: "ATOMIC",
                 0x400: "DIRECT_RECLAIM", 0x800: "KSWAPD_RECLAIM", 0x1000: "WRITE", 0x2000: "NOWARN",
                 0x4000: "RETRY_MAYFAIL", 0x8000: "NOFAIL", 0x10000: "NORETRY", 0x20000: "MEMALLOC", 0x40000: "COMP",
                 0x80000: "NOMEMALLOC", 0x100000: "HARDWALL", 0x200000: "THISNODE", 0x400000: "ACCOUNT",
                 0x800000: "ZEROTAGS"}),
)
_RECLAIM = frozenset({"DIRECT_RECLAIM", "KSWAPD_RECLAIM"})
_KERNEL = frozenset({"IO", "FS"})
COMPOUNDS: tuple[tuple[str, frozenset[str]], ...] = (  # without what allows to wait, the largest first
    ("GFP_HIGHUSER_MOVABLE", _KERNEL | {"HARDWALL", "HIGHMEM", "MOVABLE"}),
    ("GFP_HIGHUSER", _KERNEL | {"HARDWALL", "HIGHMEM"}),
    ("GFP_USER", _KERNEL | {"HARDWALL"}),
    ("GFP_KERNEL", _KERNEL),
    ("GFP_NOFS", frozenset({"IO"})),
    ("GFP_NOIO", frozenset()),
)
_COMPOUNDS_2_4 = (("GFP_HIGHUSER", frozenset({"IO", "HIGHIO", "FS", "HIGHMEM"})),
                  ("GFP_KERNEL", frozenset({"HIGH", "IO", "HIGHIO", "FS"})),
                  ("GFP_NOFS", frozenset({"HIGH", "IO", "HIGHIO"})), ("GFP_NOIO", frozenset({"HIGH"})))
_COMPOUNDS_2_6 = (("GFP_HIGHUSER", _KERNEL | {"HIGHMEM"}), ("GFP_KERNEL", _KERNEL), *COMPOUNDS[4:])


def version_of(kernel: str | None) -> Version | None:
    """``2.6.32-431.el6.x86_64`` → (2, 6, 32); ``None`` for what does not begin with two numbers."""
    if kernel is None:
        return None
    numbers: list[int] = []
    for word in kernel.strip().split(".")[:3]:
        digits = word[:len(word) - len(word.lstrip("0123456789"))]  # "11-rc4" → "11"
        if not digits:
            break
        numbers.append(int(digits[:6]))
        if digits != word:
            break
    return (numbers[0], numbers[1], numbers[2] if len(numbers) > 2 else 0) if len(numbers) > 1 else None


def bits(version: Version) -> Mapping[int, str]:
    """The table of that version; of an older one than all, the oldest."""
    return next((table for since, table in reversed(TABLES) if version >= since), TABLES[0][1])


def names(mask: int, version: Version) -> tuple[str, ...]:
    """The mask in the kernel's own names, what it is made of first: ``GFP_HIGHUSER``, ``__GFP_COLD``. A bit that the
    table does not have stays a number."""
    table = bits(version)
    found = {name for bit, name in table.items() if mask & bit}
    unknown = mask & ~sum(table)
    waits = "WAIT" in found if version < (4, 4, 0) else found >= _RECLAIM
    result: list[str] = []
    if waits:
        found -= _RECLAIM | {"WAIT"}
        compounds = _COMPOUNDS_2_4 if version < (2, 5, 0) else _COMPOUNDS_2_6 if version < (2, 6, 15) else COMPOUNDS
        compound = next(((name, parts) for name, parts in compounds if parts <= found), ("__GFP_WAIT", frozenset()))
        result.append(compound[0])
        found -= compound[1]
    result += [f"__GFP_{name}" for name in table.values() if name in found]
    return (*result, *((f"{unknown:#x}",) if unknown else ()))
