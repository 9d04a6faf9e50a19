"""The last minute of ticks, in the child: they wait, as packets, until it is known whether they are recorded.

Most never are, and are then hardly looked at. Because ticks leave in their order, a recording is in the order of time,
the minute before an opening included.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from watchdog_oom.core.model import Snapshot
from watchdog_oom.daemon.flight.mirror import Mirror, ToldTick, read_tick
from watchdog_oom.lean_dataclasses import dataclass
from watchdog_oom.recorder.cadence import RING_TICKS, Cadence
from watchdog_oom.recorder.frames import with_events
from watchdog_oom.recorder.sample import SampleKind

MOST_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class Recorded:
    """A tick that is written down."""

    snapshot: Snapshot
    kind: SampleKind
    keyframe: bool
    dropped: int


@dataclass(frozen=True, slots=True)
class _HeldTick:
    """``packets`` are the changes of processes; ``due``: it is recorded in any case."""

    packets: tuple[bytes, ...]
    tick: ToldTick
    due: bool
    size_bytes: int


class Backlog:
    """Packets in, what is recorded out."""

    def __init__(self, every_seconds: float) -> None:
        self._cadence = Cadence(every_seconds)
        self._mirror = Mirror()
        self._parts: list[bytes] = []
        self._waiting: deque[_HeldTick] = deque()
        self._bytes = 0
        self._passed: list[Snapshot] = []
        self._dropped = 0

    def take_processes(self, packet: bytes) -> None:
        self._parts.append(packet)

    def take_tick(self, packet: bytes) -> Iterator[Recorded]:
        """What is to be written now that this tick is there."""
        tick = read_tick(packet)
        verdict, self._cadence = self._cadence.judge(tick.clock.boottime, pressing=tick.pressing, opening=tick.opening)
        size_bytes = len(packet) + sum(map(len, self._parts))
        self._waiting.append(_HeldTick(tuple(self._parts), tick, verdict.due, size_bytes))
        self._bytes += size_bytes
        self._parts.clear()
        if verdict.at_once:
            while len(self._waiting) > 1:
                yield from self._leave(SampleKind.RING if verdict.ring else None)
            kind = SampleKind.BEFORE if tick.opening else SampleKind.NEAR
            yield from self._leave(kind, always=kind, keyframe=verdict.keyframe)
        while len(self._waiting) > RING_TICKS or (self._bytes > MOST_BYTES and self._waiting):
            yield from self._leave(None)

    def rest(self, *, ring: bool) -> Iterator[Recorded]:
        """At the end: what is due, the very last tick, and with ``ring`` all that wait."""
        while self._waiting:
            yield from self._leave(SampleKind.RING if ring or len(self._waiting) == 1 else None)

    def _leave(self, otherwise: SampleKind | None, *, always: SampleKind | None = None,
               keyframe: bool = False) -> Iterator[Recorded]:
        """The oldest: recorded as ``always``, if it is due by the clock, or else as ``otherwise`` says, if it does."""
        oldest = self._waiting.popleft()
        self._bytes -= oldest.size_bytes
        for packet in oldest.packets:
            self._mirror.take_processes(packet)
        snapshot = self._mirror.take_tick(oldest.tick)
        self._dropped += oldest.tick.dropped
        kind = always or (SampleKind.CALM if oldest.due else otherwise)
        if kind is None:
            if snapshot.kernel_kills or snapshot.kernel_log_gaps or snapshot.reports:
                self._passed.append(snapshot)
            return
        told = with_events(snapshot, self._passed)
        self._passed.clear()
        dropped, self._dropped = self._dropped, 0
        yield Recorded(told, kind, keyframe, dropped)
