"""The moment of a snapshot, and which boot it belongs to."""

from __future__ import annotations

import os
import time

from watchdog_oom.core.model import Clock

_MOST_OFFSETS = 16
_NEW_OFFSET_SECONDS = 1.0


def read_clock(offsets: tuple[float, ...] = ()) -> Clock:
    """The clocks now. ``offsets`` are those of the previous reading; the new ones stand in the Clock.

    ``local_minute`` is the minute of the local day, 0…1439, in the time zone that held when the daemon started.
    """
    boottime = time.clock_gettime(time.CLOCK_BOOTTIME)
    wall = time.time()
    local = time.localtime(wall)
    return Clock(wall=wall, boottime=boottime, local_minute=local.tm_hour * 60 + local.tm_min,
                 offsets=with_offset(offsets, wall - boottime))


def with_offset(offsets: tuple[float, ...], offset: float) -> tuple[float, ...]:
    """The offsets with a new one (wall − boottime, seconds) where the date was set: moved by more than a second since
    the last one, which slow corrections add up to as well. The last 16 are kept."""
    if offsets and abs(offset - offsets[-1]) <= _NEW_OFFSET_SECONDS:
        return offsets
    return (*offsets, offset)[-_MOST_OFFSETS:]


def boot_id(root: str = "/proc") -> str:
    """The random identity of this boot (random(4)); empty where the kernel does not tell."""
    try:
        fd = os.open(f"{root}/sys/kernel/random/boot_id", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return os.read(fd, 128).decode("ascii", "replace").strip()
    except OSError:
        return ""
    finally:
        os.close(fd)
