"""Memory pressure and the kernel's count of its OOM kills: /proc/pressure/memory and /proc/vmstat."""

from __future__ import annotations

import os
import select

from watchdog_oom.core.memory import Pressure
from watchdog_oom.host.kept_file import KeptFile

_STALL_PERCENT = 15
_WINDOWS_SECONDS = (1, 2)


def parse_pressure(content: bytes) -> Pressure:
    """/proc/pressure/memory as accounting/psi describes it; ``ValueError`` on anything else."""
    lines = {}
    for line in content.splitlines():
        kind, *pairs = line.split()[:16]
        lines[kind] = dict(_pair(pair) for pair in pairs)
    try:
        some, full = lines[b"some"], lines[b"full"]
        return Pressure(
            some_avg10_percent=_percent(some[b"avg10"]),
            full_avg10_percent=_percent(full[b"avg10"]),
            some_total_us=_total(some[b"total"]),
            full_total_us=_total(full[b"total"]))
    except KeyError as error:
        raise ValueError(f"pressure has no {error.args[0].decode('ascii', 'replace')}") from None


def _pair(word: bytes) -> tuple[bytes, bytes]:
    name, _, value = word.partition(b"=")
    return name, value


def _percent(word: bytes) -> float:
    value = float(word)
    if not 0 <= value < 1000:  # also refuses nan
        raise ValueError(f"pressure: {value} is no percentage")
    return value


def _total(word: bytes) -> int:
    if not word.isdigit():
        raise ValueError("pressure: a total is no number")
    return int(word[:20])


class PressureReader:
    """Reads the memory pressure below ``root``. A kernel without PSI gives ``None``, which is no bad reading."""

    def __init__(self, root: str = "/proc") -> None:
        self.skipped = 0
        self.problem = ""
        self._file = KeptFile(f"{root}/pressure/memory")

    def read(self) -> Pressure | None:
        content = self._file.read()
        self.problem = self._file.problem
        if content is None:
            return None
        try:
            return parse_pressure(content)
        except ValueError as error:
            self.problem = str(error)
            self.skipped += 1
            return None

    def close(self) -> None:
        self._file.close()


class PressureTrigger:
    """A PSI trigger: ``fileno()`` becomes ready with POLLPRI when tasks stood still for 15 % of the window.

    It only wakes the loop early; polling stays as the floor. The trigger lives as long as the descriptor.
    """

    def __init__(self, fd: int, window_seconds: int) -> None:
        self.window_seconds = window_seconds
        self._fd = fd

    def fileno(self) -> int:
        return self._fd

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1


def arm_trigger(root: str = "/proc") -> PressureTrigger | None:
    """A trigger with a window of 1 s, or of 2 s where CAP_SYS_RESOURCE is missing, or ``None``: then poll."""
    for window_seconds in _WINDOWS_SECONDS:
        fd = _armed_fd(f"{root}/pressure/memory", window_seconds)
        if fd >= 0:
            return PressureTrigger(fd, window_seconds)
    return None


def _armed_fd(path: str, window_seconds: int) -> int:
    """A descriptor of its own with a trigger, or −1. The kernel overwrites the last byte written, hence the NUL."""
    window_us = window_seconds * 1_000_000
    try:
        fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return -1
    try:
        _require_pollable(fd)
        os.write(fd, b"some %d %d\0" % (window_us * _STALL_PERCENT // 100, window_us))
    except OSError:
        os.close(fd)
        return -1
    return fd


def _require_pollable(fd: int) -> None:
    """``OSError`` for an ordinary file, as in a recorded /proc, which must not be written to."""
    with select.epoll() as poll:
        poll.register(fd, select.EPOLLPRI)


def parse_oom_kills(content: bytes) -> int | None:
    """The kernel's OOM kills since boot in /proc/vmstat (since Linux 4.13), or ``None`` where it does not count."""
    _, _, rest = b"\n".join((b"", content)).partition(b"\noom_kill ")
    number = rest.partition(b"\n")[0]
    return int(number[:20]) if number.isdigit() else None


class OomKillCounter:
    """New OOM kills by /proc/vmstat: the back-stop where the kernel's log cannot be read or was overwritten."""

    def __init__(self, root: str = "/proc") -> None:
        self._file = KeptFile(f"{root}/vmstat")
        self._last = self._read()

    @property
    def available(self) -> bool:
        return self._last is not None

    def new_kills(self) -> int:
        """How many since the last call (or since construction); 0 where the kernel does not tell."""
        before, now = self._last, self._read()
        if now is None:
            return 0
        self._last = now
        return max(0, now - before) if before is not None else 0

    def _read(self) -> int | None:
        content = self._file.read()
        return parse_oom_kills(content) if content is not None else None

    def close(self) -> None:
        self._file.close()
