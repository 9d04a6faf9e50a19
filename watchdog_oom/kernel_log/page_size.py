"""How large a page of that host is: 4 KiB unless its own numbers, or the name of its kernel, say otherwise."""

from __future__ import annotations

import re

from watchdog_oom.kernel_log.draft import Draft

USUAL_BYTES = 4096
_SIZES = (4096, 8192, 16384, 65536)
# Kernels whose name says it: Red Hat's for POWER and, before 9, for ARM; the flavours with 64k in their name.
_LARGE = re.compile(r"\.ppc64(?:le)?\b|ppc64le|\.el[78]\S*\.aarch64|(?:^|[-_+.])64k\b|powerpc64|-64kb\b")


def page_bytes(draft: Draft) -> tuple[int, bool]:
    """The size, and whether the report proves it."""
    for blocks in (zone.free_lists for zone in draft.zones.values() if zone.free_lists):
        if blocks[0].order == 0 and blocks[0].block_bytes in _SIZES:
            return blocks[0].block_bytes, True
    for proven in (_by_victim(draft), _by_nodes(draft)):
        if proven:
            return proven, True
    if draft.kernel and _LARGE.search(draft.kernel):
        return 65536, False
    return USUAL_BYTES, False


def _by_victim(draft: Draft) -> int:
    """The kill line has the victim's size in kB, its row in pages."""
    rows = {row.pid: row.numbers.get("total_vm", 0) for row in draft.rows}
    for kill in draft.kills:
        pages = rows.get(kill.pid, 0) if kill.pid is not None else 0
        if pages and kill.total_vm_bytes:
            exact = kill.total_vm_bytes // pages
            if exact in _SIZES and exact * pages == kill.total_vm_bytes:
                return exact
    return 0


def _by_nodes(draft: Draft) -> int:
    """Since 4.8 the nodes have in kB what the first counters have in pages."""
    for name in ("inactive_anon", "active_anon", "inactive_file"):
        pages = draft.pages.get(name, 0)
        size = sum(node.counters.get(name, 0) for node in draft.nodes)
        if pages > 1000 and size:
            near = min(_SIZES, key=lambda page: abs(size - page * pages))
            if abs(size - near * pages) < size // 10:
                return near
    return 0
