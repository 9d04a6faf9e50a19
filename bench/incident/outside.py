"""What the world outside does: it looks whether the three ports answer."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

_LOOK_EVERY_SECONDS = 2.0
# An emulated machine with work to do may take a while; only who says nothing for so long is out.
_LOOK_SECONDS = 10.0


@dataclass(slots=True)
class Port:
    """One port, looked at every two seconds. What counts is an answer of the service itself: the connection alone is
    made by the emulator, whatever becomes of the guest."""

    name: str
    port: int
    request: bytes
    expect: Callable[[bytes], bool]
    outages: list[tuple[float, float]] = field(default_factory=list)
    looks: int = 0
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def begin(self) -> None:
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join(_LOOK_SECONDS + 1)

    def outage_seconds(self) -> float:
        """From the first look without an answer to the next with one, summed up."""
        return sum(until - since for since, until in self.outages)

    def answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), _LOOK_SECONDS) as link:
            link.settimeout(_LOOK_SECONDS)
            link.sendall(self.request)
            return self.expect(link.recv(512))
        return False

    def _watch(self) -> None:
        out_since: float | None = None
        while not self._over.is_set():
            asked = time.monotonic()
            well = self.answers()
            self.looks += 1
            if well and out_since is not None:
                self.outages.append((out_since, asked))
                out_since = None
            elif not well and out_since is None:
                out_since = asked
            self._over.wait(max(0.0, asked + _LOOK_EVERY_SECONDS - time.monotonic()))
        if out_since is not None:
            self.outages.append((out_since, time.monotonic()))


def ports(smtp: int, http: int, mysql: int) -> tuple[Port, Port, Port]:
    """The three that the users of this server see."""
    return (
        Port("25", smtp, b"", lambda said: said.startswith(b"220")),
        Port("80", http, b"HEAD / HTTP/1.0\r\n\r\n", lambda said: said.startswith(b"HTTP/1.")),
        # The greeting of the protocol: a length of three bytes, the number 0, and the version of the protocol.
        Port("3306", mysql, b"", lambda said: len(said) > 5 and said[3:4] == b"\0"),
    )
