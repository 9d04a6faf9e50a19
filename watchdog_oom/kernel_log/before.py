"""What came before an event: the same name killed again and again, the same limit reached, failed allocations."""

from __future__ import annotations

from collections import deque

from watchdog_oom import formatting
from watchdog_oom.formatting import printable
from watchdog_oom.kernel_log.model import Event, Stamp
from watchdog_oom.lean_dataclasses import dataclass

_HOUR_SECONDS = 3600.0
_OFTEN = 3
_MOST = 4096  # of the killed names that are remembered


@dataclass(frozen=True, slots=True)
class Died:
    """One kill of the log, as far as the history needs it."""

    pid: int | None
    comm: str
    time: Stamp | None


class Past:
    """The kills so far, in the order of the log: a fixed number of them, however long the log is."""

    def __init__(self) -> None:
        self._died: deque[Died] = deque(maxlen=_MOST)
        self._limits: deque[tuple[str, Stamp | None]] = deque(maxlen=_MOST)

    def before(self, event: Event) -> tuple[str, ...]:
        """What the log tells from before this event; then the event itself belongs to it."""
        found = [*self._same_names(event), *self._same_limit(event), *_failed(event)]
        self._died.extend(_kills_of(event))
        path = event.cgroup.path if event.cgroup is not None else None
        if path is not None:
            self._limits.append((path, event.time))
        return tuple(found)

    def _same_names(self, event: Event) -> list[str]:
        words = []
        for comm in dict.fromkeys(died.comm for died in _kills_of(event)):
            own = [died for died in (*self._died, *_kills_of(event)) if died.comm == comm]
            last = own[-1].time
            recent = [died for died in own if _within(died.time, last)]
            if len(recent) >= _OFTEN and len(own) > len([one for one in _kills_of(event) if one.comm == comm]):
                words.append(f"{printable(comm)} was killed {len(recent)} times within an hour: the kills do not "
                             "cure it, somebody starts it again")
        return words

    def _same_limit(self, event: Event) -> list[str]:
        path = event.cgroup.path if event.cgroup is not None else None
        times = sum(1 for known, time in self._limits if known == path and _within(time, event.time))
        return [f"the limit of {printable(path)} was reached {times + 1} times within an hour"] \
            if path is not None and times + 1 >= _OFTEN else []


def _kills_of(event: Event) -> list[Died]:
    return [Died(kill.pid, kill.comm, kill.time or event.time) for kill in event.kills if not kill.again]


def _within(earlier: Stamp | None, later: Stamp | None) -> bool:
    if earlier is None or later is None or earlier.clock != later.clock:
        return False
    if earlier.seconds is None or later.seconds is None:
        return earlier.text[:9] == later.text[:9]  # in a language that is not known: of the same day at least
    return 0 <= later.seconds - earlier.seconds <= _HOUR_SECONDS


def _failed(event: Event) -> list[str]:
    if not event.failed_allocations:
        return []
    orders = ", ".join(str(order) for order in sorted({failed.order for failed in event.failed_allocations}))
    return [f"{formatting.count(len(event.failed_allocations), 'allocation')} of the kernel failed (order {orders})"]
