"""The time of a snapshot, and the boot it belongs to."""

from __future__ import annotations

import os
import time

from watchdog_oom.core.model import Clock

_MOST_OFFSETS = 16
_NEW_OFFSET_SECONDS = 1.0


def read_clock(offsets: tuple[float, ...] = ()) -> Clock:
    """The clocks now. ``offsets`` are those of the previous reading; the new ones are in the Clock.

    ``local_minute`` is the minute of the local day, 0…1439, in the time zone in effect when the daemon started.
    """
    boottime = time.clock_gettime(time.CLOCK_BOOTTIME)
    wall = time.time()
    local = time.localtime(wall)
    return Clock(wall=wall, boottime=boottime, local_minute=local.tm_hour * 60 + local.tm_min,
                 offsets=with_offset(offsets, wall - boottime))


def with_offset(offsets: tuple[float, ...], offset: float) -> tuple[float, ...]:
    """The offsets, with a new one (wall − boottime, seconds) if the date was set: if it differs by more than a second
    from the last one, to which slow corrections also add up. The last 16 are kept."""
    if offsets and abs(offset - offsets[-1]) <= _NEW_OFFSET_SECONDS:
        return offsets
    return (*offsets, offset)[-_MOST_OFFSETS:]


def boot_id(root: str = "/proc") -> str:
    """The random identity of this boot (random(4)); empty if the kernel does not provide it."""
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
