"""All spools of the policy: one scanner each, woken by inotify, and one slice of work a look."""

from __future__ import annotations

import select
from collections.abc import Mapping

from watchdog_oom.core.model import Clock, SpoolState
from watchdog_oom.core.nouns import SpoolNoun
from watchdog_oom.host.spools.scanner import SpoolScanner
from watchdog_oom.host.spools.watch import SpoolWatch


class SpoolScanners:
    """Follows the policy's spools. Register ``fileno()`` for reading: it stays the same whatever the policy names."""

    def __init__(self) -> None:
        self._poll = select.epoll()
        self._nouns: dict[str, SpoolNoun] = {}
        self._scanners: dict[str, SpoolScanner] = {}
        self._watch: SpoolWatch | None = None

    def fileno(self) -> int:
        return self._poll.fileno()

    def look(self, nouns: Mapping[str, SpoolNoun], clock: Clock) -> dict[str, SpoolState]:
        """What is known of each spool by now; a spool not yet scanned through is missing."""
        if dict(nouns) != self._nouns:
            self._adopt(dict(nouns))
        for name in self._watch.drain() if self._watch is not None else ():
            self.mark_dirty(name)
        states: dict[str, SpoolState] = {}
        for name, scanner in self._scanners.items():
            scanner.tick(clock)
            if scanner.state is not None:
                states[name] = scanner.state
        return states

    @property
    def busy(self) -> bool:
        """Whether a scan is under way, so that the next look should not wait long."""
        return any(scanner.scanning for scanner in self._scanners.values())

    def mark_dirty(self, name: str) -> None:
        if name in self._scanners:
            self._scanners[name].mark_dirty()

    def rescan(self, name: str) -> None:
        """Scan at the next look, however lately that was done."""
        if name in self._scanners:
            self._scanners[name].rescan()

    def close(self) -> None:
        for scanner in self._scanners.values():
            scanner.close()
        if self._watch is not None:
            self._watch.close()
        self._poll.close()

    def _adopt(self, nouns: dict[str, SpoolNoun]) -> None:
        """Another policy: keep the scanners of spools that are the same, and watch anew."""
        kept = {name: scanner for name, scanner in self._scanners.items() if nouns.get(name) == scanner.noun}
        for name, scanner in self._scanners.items():
            if name not in kept:
                scanner.close()
        self._scanners = {name: kept.get(name) or SpoolScanner(noun) for name, noun in nouns.items()}
        self._nouns = nouns
        if self._watch is not None:
            self._poll.unregister(self._watch.fileno())
            self._watch.close()
            self._watch = None
        if not nouns:
            return
        try:
            self._watch = SpoolWatch({name: noun.path for name, noun in nouns.items()})
        except OSError:
            return  # no inotify instance left: the scanners look by the clock
        self._poll.register(self._watch.fileno(), select.EPOLLIN)
