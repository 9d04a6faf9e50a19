"""Zones, their free lists, nodes, hugepages."""

from __future__ import annotations

import re

from watchdog_oom.kernel_log.draft import Draft, ZoneDraft
from watchdog_oom.kernel_log.line import Line
from watchdog_oom.kernel_log.model import FreeBlocks, HugePages, Node

SIZES = re.compile(r"([a-z_]+(?:\([a-z_]+\))?): ?(\d+)[kK]B")
_ZONE = re.compile(r"(?:Node (\d+),? )?(\w+)\b")
_OLD_ZONE = re.compile(r"Zone:(\w+) (.*)")
_PAGES = re.compile(r"([a-z]+): *(\d+)")
_BLOCKS = re.compile(r"(\d+)\*(\d+(?: \d+)?)kB(?: ?\(([A-Z]+)\))?")
_NODE = re.compile(r"Node (\d+)")
_HUGE = re.compile(r"(?:Node (\d+) )?hugepages_total=(\d+) hugepages_free=(\d+)(?: hugepages_surp=(\d+))?"
                   r"(?: hugepages_size=(\d+)kB)?")
_KEPT = 1024  # zones, nodes: more than the largest machines have


def take_zone(draft: Draft, line: Line) -> None:
    """``Node 0 DMA32 free:2732kB min:2732kB … present:507896kB managed:485940kB … all_unreclaimable? yes``."""
    if old := _OLD_ZONE.match(line.text):  # 2.4 of Red Hat: in pages
        zone = _zone(draft, None, old[1])
        zone.pages = {name.removesuffix("pages"): int(number) for name, number in _PAGES.findall(old[2])}
        return
    if not (found := _ZONE.match(line.text)):
        return
    zone = _zone(draft, int(found[1]) if found[1] else None, found[2])
    zone.counters.update(sizes_of(line.text))
    if "all_unreclaimable? " in line.text:
        zone.all_unreclaimable = "all_unreclaimable? yes" in line.text


def sizes_of(text: str) -> dict[str, int]:
    """Every ``name:NNkB`` in bytes."""
    return {name: int(number) * 1024 for name, number in SIZES.findall(text)}


def take_reserve(draft: Draft, line: Line) -> None:
    """``lowmem_reserve[]: 0 471 471 471`` in pages, below its zone."""
    if draft.last_zone is not None:
        draft.last_zone.lowmem_reserve = tuple(int(word) for word in line.text.partition(":")[2].split()
                                               if word.isascii() and word.isdigit())


def take_free_list(draft: Draft, line: Line) -> None:
    """``Node 0 DMA: 33*4kB (E) 191*8kB (UEMR) … = 1964kB``: the smallest block is one page."""
    if not (found := _ZONE.match(line.text)):
        return
    blocks = [(int(count), int(size.replace(" ", "")) * 1024, types) for count, size, types in
              _BLOCKS.findall(line.text)]
    if not blocks:
        return
    page = blocks[0][1]
    zone = _zone(draft, int(found[1]) if found[1] else None, found[2])
    zone.free_lists = tuple(FreeBlocks((size // page).bit_length() - 1, count, size, types)
                            for count, size, types in blocks if page and size >= page)


def _zone(draft: Draft, node: int | None, name: str) -> ZoneDraft:
    zone = draft.zones.get((node, name))
    if zone is None:
        zone = ZoneDraft(node, name)
        if len(draft.zones) < _KEPT:
            draft.zones[node, name] = zone
    draft.last_zone = zone
    return zone


def take_node(draft: Draft, line: Line) -> None:
    """``Node 0 active_anon:183052kB …``: the node's own counters, since 4.8."""
    found = _NODE.match(line.text)
    if found and len(draft.nodes) < _KEPT:
        told = "all_unreclaimable? yes" in line.text if "all_unreclaimable? " in line.text else None
        draft.nodes.append(Node(int(found[1]), sizes_of(line.text), told))


def take_huge(draft: Draft, line: Line) -> None:
    """``Node 0 hugepages_total=2 hugepages_free=0 hugepages_surp=0 hugepages_size=1048576kB``."""
    found = _HUGE.match(line.text)
    if found and found[5] and len(draft.huge) < _KEPT:
        draft.huge.append(HugePages(int(found[1]) if found[1] else None, int(found[2]), int(found[3]),
                                    int(found[5]) * 1024, int(found[4]) if found[4] else None))
