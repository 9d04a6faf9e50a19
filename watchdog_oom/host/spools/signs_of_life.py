"""Owns the sign of life of the child that scans: one page of memory that it writes and the daemon reads.

A message would wake the loop; a look at a page costs nothing, and the page is locked with the daemon's memory.
"""

from __future__ import annotations

import mmap
import struct

_SIGN = struct.Struct("=Qq")  # how many signs there were, and which spool is being touched
NOTHING = -1


class SignsOfLife:
    """Make it before the fork; both sides then see the same page."""

    def __init__(self) -> None:
        self._page = mmap.mmap(-1, mmap.PAGESIZE)
        self._count = 0

    def tell(self, spool: int = NOTHING) -> None:
        """The child lives, and is about to touch the spool of that number, or none."""
        self._count += 1
        _SIGN.pack_into(self._page, 0, self._count, spool)

    def read(self) -> tuple[int, int]:
        """The number of signs so far, and the spool touched since the last."""
        count, spool = _SIGN.unpack_from(self._page, 0)
        return int(count), int(spool)

    def close(self) -> None:
        self._page.close()
