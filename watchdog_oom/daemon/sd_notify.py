"""Notifications to a service manager that asks for them (sd_notify(3)); one that does not read them never blocks us.

They are sent by the library sdnotify, which adds 0.01 MiB to the daemon's other imports.
"""

from __future__ import annotations

import os
import time

import sdnotify


class SdNotifier:
    """Sends nothing if NOTIFY_SOCKET is not set."""

    def __init__(self) -> None:
        self.under_manager = bool(os.environ.get("NOTIFY_SOCKET"))
        self._notifier = sdnotify.SystemdNotifier() if self.under_manager else None
        if self._notifier is not None and self._notifier.socket is not None:
            self._notifier.socket.setblocking(False)
        self._status = ""

    def ready(self) -> None:
        self._tell("READY=1")

    def reloading(self) -> None:
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        self._tell("STOPPING=1")

    def alive(self) -> None:
        """A tick succeeded; WatchdogSec= counts from here."""
        self._tell("WATCHDOG=1")

    def status(self, text: str) -> None:
        """One line for ``systemctl status``, in ASCII: the library drops what it cannot encode."""
        line = text.encode("ascii", "backslashreplace").decode("ascii").replace("\n", " ")
        if line != self._status:
            self._status = line
            self._tell(f"STATUS={line}")

    def close(self) -> None:
        if self._notifier is not None and self._notifier.socket is not None:
            self._notifier.socket.close()

    def _tell(self, state: str) -> None:
        if self._notifier is not None:
            self._notifier.notify(state)
