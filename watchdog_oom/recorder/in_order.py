"""Samples in the order of time: the ticks before an opening are recorded after it. Pure, and in flat memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from heapq import heappop, heappush

from watchdog_oom.formatting import duration
from watchdog_oom.recorder.sample import Sample

MOST_LATE = 64  # a ring has 60 ticks, so at most so many later samples were recorded before its first
JUMP_SECONDS = 5.0
_Entry = tuple[float, int, Sample]


def in_order(samples: Iterable[Sample]) -> Iterator[Sample]:
    """Each reading once, the earliest first; every boot on its own, since its clock begins anew."""
    waiting: list[_Entry] = []
    boot, last = "", -1.0
    for number, sample in enumerate(samples):
        if sample.snapshot.boot_id != boot:
            yield from _drained(waiting, last, 0)
            boot, last = sample.snapshot.boot_id, -1.0
        heappush(waiting, (sample.snapshot.clock.boottime, number, sample))
        for found in _drained(waiting, last, MOST_LATE):
            last = found.snapshot.clock.boottime
            yield found
    yield from _drained(waiting, last, 0)


def _drained(waiting: list[_Entry], last: float, keep: int) -> Iterator[Sample]:
    while len(waiting) > keep:
        boottime, _, sample = heappop(waiting)
        if boottime != last or sample.repeated:
            last = boottime
            yield sample


def jumps_told(samples: Iterable[Sample], tell: Callable[[float, str], None]) -> Iterator[Sample]:
    """The same samples; ``tell`` the time and the words where the date was set."""
    boot, offset = "", 0.0
    for sample in samples:
        clock = sample.snapshot.clock
        now = clock.wall - clock.boottime
        if sample.snapshot.boot_id == boot and abs(now - offset) > JUMP_SECONDS:
            way = "forward" if now > offset else "back"
            tell(clock.wall, f"the clock was set {way} by {duration(abs(now - offset))}")
        boot, offset = sample.snapshot.boot_id, now
        yield sample
