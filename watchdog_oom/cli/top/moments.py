"""The samples around a time: the one to show, those before and after it, and the one to measure growth from."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from math import inf

from watchdog_oom import formatting
from watchdog_oom.recorder.reading import covered, samples
from watchdog_oom.recorder.sample import Sample

GROWTH_SECONDS = 3600.0
LATE_SECONDS = 150.0  # a sample every ten seconds; the last minute of a calm host is written a minute later
_BASE_SLACK_SECONDS = 600.0
_REACHES = (1200.0, 14_400.0, inf)
_MOST = 60  # to either side


@dataclass(frozen=True, slots=True)
class MomentView:
    """A sample; ``base`` is the one from which growth is measured, an hour before or the first there is; ``missed``
    says in words that nothing was recorded at the time that was asked for."""

    sample: Sample
    base: Sample | None = None
    missed: str = ""

    @property
    def wall(self) -> float:
        return self.sample.snapshot.clock.wall


class Moments:
    """``wanted`` is in seconds since the epoch, ``None``: the end. Raises what reading a recording raises."""

    def __init__(self, where: str, wanted: float | None, tell: Callable[[str], None]) -> None:
        self._where, self._tell = where, tell
        self._span = covered(where)
        self._around: list[Sample] = []
        self._at = 0
        self._base: Sample | None = None
        self._wanted = wanted
        if self._span is not None:
            self._load(self._span[1] if wanted is None else wanted)

    def view(self) -> MomentView | None:
        """The sample that is looked at; ``None`` where the recording has none."""
        if not self._around:
            for _ in self._read(-inf, inf):
                pass  # what is wrong with it is told
            return None
        sample = self._around[self._at]
        return MomentView(sample, self._base_of(sample), self._missed(sample.snapshot.clock.wall))

    def step(self, count: int) -> None:
        """So many samples on, or back; at the end of what there is it stays."""
        if not 0 <= self._at + count < len(self._around):
            self._load(self._around[self._at].snapshot.clock.wall, toward=count)
        self._go(max(0, min(len(self._around) - 1, self._at + count)))

    def jump(self, seconds: float) -> None:
        """To the sample so much later, or earlier; past a time of which there is none, to the next."""
        if self._span is None:
            return
        first, last = self._span
        shown = self._around[self._at].snapshot.clock.wall
        self._load(max(first, min(last, shown + seconds)))
        self._wanted = None
        if seconds > 0 and self._around[self._at].snapshot.clock.wall <= shown:
            self.step(1)

    def _go(self, at: int) -> None:
        if at != self._at:
            self._at, self._wanted = at, None

    def _load(self, wall: float, toward: int = 0) -> None:
        """The samples around that time; the last one up to it is looked at, else the first. ``toward``: there should be
        one before it, or after it, however far."""
        for reach in _REACHES:
            before: deque[Sample] = deque(maxlen=_MOST)
            following: list[Sample] = []
            for sample in self._read(wall - reach, wall + reach):
                if sample.snapshot.clock.wall <= wall:
                    before.append(sample)
                else:
                    following.append(sample)
                    if len(following) >= _MOST:
                        break
            if before or following:
                self._around, self._at = [*before, *following], max(0, len(before) - 1)
            if following if toward > 0 else len(before) > (toward < 0):
                return

    def _read(self, since: float, until: float) -> Iterator[Sample]:
        return (sample for sample in samples(self._where, since, until, self._tell) if not sample.repeated)

    def _base_of(self, sample: Sample) -> Sample | None:
        """Of the same boot, since the identities of processes are of one boot."""
        wall = sample.snapshot.clock.wall - GROWTH_SECONDS
        if self._base is None or abs(self._base.snapshot.clock.wall - wall) > _BASE_SLACK_SECONDS:
            self._base = next(islice(self._read(wall, sample.snapshot.clock.wall), 1), None)
        base = self._base
        if base is None or base.snapshot.boot_id != sample.snapshot.boot_id:
            return None
        return base if base.snapshot.clock.wall < sample.snapshot.clock.wall else None

    def _missed(self, wall: float) -> str:
        if self._wanted is None or self._span is None or 0 <= self._wanted - wall <= LATE_SECONDS:
            return ""
        first, last = self._span
        return (f"nothing was recorded at {_moment(self._wanted)}; the recording goes from {_moment(first)} to "
                f"{_moment(last)}, and what is shown is of {_moment(wall)}, "
                f"{formatting.duration(abs(wall - self._wanted))} {'before' if wall < self._wanted else 'later'}")


def _moment(wall: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(wall))
