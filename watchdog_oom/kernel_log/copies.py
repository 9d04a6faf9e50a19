"""The same event told again: by a second log of the host (kern.log, syslog, messages), or further down in one."""

from __future__ import annotations

from collections import OrderedDict

from watchdog_oom.kernel_log.model import Event, Stamp
from watchdog_oom.kernel_log.stamps import may_be_one
from watchdog_oom.lean_dataclasses import dataclass

_REMEMBERED = 1024
_APART_SECONDS = 2.0
_ZONES = 2
_COUNTERS = 6  # of Mem-Info: two reports do not agree in so many


@dataclass(frozen=True, slots=True)
class _Told:
    time: Stamp | None
    parts: frozenset[str]


class Copies:
    """Remembers the events so far, a fixed number of them."""

    def __init__(self) -> None:
        self._told: OrderedDict[object, _Told] = OrderedDict()
        self.count = 0

    def has(self, event: Event) -> bool:
        """Whether the event was told before, with at least as much; else it is remembered."""
        keys = _identities(event)
        if not keys:
            return False
        known = self._told.get(keys[0])
        if known is not None and event.parts <= known.parts and may_be_one(event.time, known.time, _APART_SECONDS):
            self.count += 1
            return True
        self._told.update(dict.fromkeys(keys, _Told(event.time, event.parts)))
        while len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)
        return False


def _identities(event: Event) -> list[object]:
    """Numbers that no two events share, the best first: who was killed with how much of each kind of memory, the host's
    counters, what was free in each zone. None where the log has too few."""
    kills = tuple((kill.pid, kill.comm, kill.total_vm_bytes, kill.anon_rss_bytes, kill.file_rss_bytes,
                   kill.shmem_rss_bytes, kill.signal) for kill in event.kills)
    found: list[object] = []
    if kills and all(pid is not None and size for pid, _, size, *_ in kills):
        found.append(kills)
    if len(event.meminfo) >= _COUNTERS:
        found.append(tuple(sorted(event.meminfo.items())))
    if len(event.zones) >= _ZONES:
        found.append(tuple((zone.node, zone.name, zone.free_bytes, zone.min_bytes) for zone in event.zones))
    return found
