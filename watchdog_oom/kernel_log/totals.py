"""The counters of the whole host: pages in use, RAM, swap, the kernel's slabs."""

from __future__ import annotations

import re

from watchdog_oom.kernel_log.draft import Draft
from watchdog_oom.kernel_log.line import Line
from watchdog_oom.kernel_log.model import Slab

_COUNTER = re.compile(r"(?<![\w-])([A-Za-z][\w-]{1,30}): ?(\d+)(?![\d.]*[kK]B)")
_SWAP = re.compile(r"(Free|Total) swap *[:=] *(\d+) ?kB")
_FREE = re.compile(r"Free pages: *(\d+)kB(?: \( *(\d+)kB HighMem\))?")
_TOTALS = {  # the words of all kernels
    "pages RAM": "ram", "pages of RAM": "ram", "pages HighMem": "highmem", "pages of HIGHMEM": "highmem",
    "pages HighMem/MovableOnly": "highmem", "reserved pages": "reserved", "pages reserved": "reserved",
    "pages cma reserved": "cma_reserved", "pages hwpoisoned": "hwpoisoned", "pages swap cached": "swap_cache",
    "pages in swap cache": "swap_cache", "pages slab": "slab", "pages pagetables": "pagetables",
    "pages mapped": "mapped", "pages dirty": "dirty", "pages writeback": "writeback", "slab pages": "slab",
    "free pages": "free", "total pagecache pages": "pagecache", "pagecache pages": "pagecache",
    "pages shared": "shared",
}
_TOTAL = re.compile(r"(\d+) (" + "|".join(sorted(_TOTALS, key=len, reverse=True)) + r")(?=\d|\W|$)")
_SLAB = re.compile(r"(\S.{0,40}?) +(\d+)KB +(\d+)KB$")
_SLABS_KEPT = 1024


def take_counters(draft: Draft, line: Line) -> None:
    """``active_anon:46557 inactive_anon:46639 isolated_anon:0`` in pages; before 2.6.28 ``Active:2907 …``."""
    for name, number in _COUNTER.findall(line.text):
        draft.pages[name.lower()] = int(number)


def take_total(draft: Draft, line: Line) -> None:
    """``130972 pages RAM``; web pages have several on a line without blanks, ``131071 pages RAM0 pages HighMem``."""
    for number, words in _TOTAL.findall(line.text):
        name = _TOTALS[words]
        if name in ("slab", "free"):
            draft.pages.setdefault(name, int(number))
        else:
            draft.pages[name] = int(number)


def take_swap(draft: Draft, line: Line) -> None:
    """``Free swap  = 0kB``, ``Total swap = 1023996kB``; ``Free pages: 12744kB (0kB HighMem)``."""
    if found := _SWAP.match(line.text):
        draft.sizes["swap_free" if found[1] == "Free" else "swap_total"] = int(found[2]) * 1024
        take_total(draft, line)
    elif found := _FREE.match(line.text):
        draft.sizes["free"] = int(found[1]) * 1024
        if found[2]:
            draft.sizes["free_highmem"] = int(found[2]) * 1024


def take_slabs(draft: Draft, line: Line) -> None:
    """``Unreclaimable slab info:`` and the header of its table, since 4.15."""
    draft.in_slabs = True


def take_slab(draft: Draft, line: Line) -> None:
    """``kmalloc-2048  59164KB  59164KB``: used, and with what is unused in its pages."""
    found = _SLAB.match(line.text)
    if found and draft.in_slabs and len(draft.slabs) < _SLABS_KEPT:
        draft.slabs.append(Slab(found[1], int(found[2]) * 1024, int(found[3]) * 1024))
