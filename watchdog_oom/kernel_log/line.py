"""One logical line of a log, with what its prefix said of it."""

from __future__ import annotations

from watchdog_oom.kernel_log.model import Stamp
from watchdog_oom.lean_dataclasses import dataclass


@dataclass(slots=True)
class Line:
    """``text`` is what the program wrote, without any prefix and outer blanks. ``boot``: seconds since boot, also where
    ``stamp`` is of another clock. ``tag``: who wrote it, ``kernel``, a program's name, or empty where no prefix says
    so. ``caller``: ``T123`` of printk's caller. ``prefixed``: it had a prefix, so it is no wrapped rest.
    ``length``: of the physical line."""

    number: int
    text: str
    stamp: Stamp | None = None
    boot: float | None = None
    host: str = ""
    tag: str = ""
    caller: str = ""
    prefixed: bool = False
    length: int = 0
