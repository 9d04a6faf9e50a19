"""Readings that change seldom or need not be exact: kept for a while, since each costs as much as a whole stat line."""

from __future__ import annotations

from collections.abc import Callable, Container

_SPREAD = 64


class LastingReading:
    """One number of each process, read again when it is ``seconds`` old at most."""

    def __init__(self, read: Callable[[int], int | None], seconds: float) -> None:
        self._read = read
        self._seconds = seconds
        self._known: dict[int, tuple[float, int]] = {}  # pid -> when it is due, and the value

    def of(self, pid: int, boottime: float) -> int | None:
        """The number; ``None`` where it cannot be read, which is tried again at once."""
        known = self._known.get(pid)
        if known is not None and boottime < known[0]:
            return known[1]
        value = self._read(pid)
        if value is None:
            self.forget(pid)
        else:
            # Spread by pid between half the time and the whole, so that no scan reads all of them.
            self._known[pid] = (boottime + self._seconds * (0.5 + pid % _SPREAD / (2 * _SPREAD)), value)
        return value

    def forget(self, pid: int) -> None:
        """The pid is another process's, or nobody's."""
        self._known.pop(pid, None)

    def keep_only(self, pids: Container[int]) -> None:
        """A process that is no longer asked about is read anew the next time it is."""
        for pid in [pid for pid in self._known if pid not in pids]:
            del self._known[pid]
