"""One connection to the control socket: the request as far as it has come, and what is said to whoever asked."""

from __future__ import annotations

import json
import socket
from contextlib import suppress

from watchdog_oom.core.requests import Ruling
from watchdog_oom.daemon.control.parse import VERSION
from watchdog_oom.errors import UsageError

LONGEST_REQUEST_BYTES = 4096
PATIENCE_SECONDS = 2.0


class Caller:
    """Nothing here waits: whoever does not read what is said to them loses the connection. ``since`` is when it began,
    in seconds of CLOCK_BOOTTIME."""

    def __init__(self, connection: socket.socket, pid: int, uid: int, since: float) -> None:
        connection.setblocking(False)
        self.pid, self.uid, self.since = pid, uid, since
        self.gone = False
        self._connection = connection
        self._received = b""

    def fileno(self) -> int:
        return self._connection.fileno()

    def request(self, now: float) -> bytes | None:
        """The whole request, if it is there. Raises UsageError for one that will not come to a good end."""
        try:
            received = self._connection.recv(LONGEST_REQUEST_BYTES + 1)
        except (BlockingIOError, InterruptedError):
            if now - self.since > PATIENCE_SECONDS:
                raise UsageError(f"no whole request came within {PATIENCE_SECONDS:g}s") from None
            return None
        except OSError:
            received = b""
        self._received += received
        line, end, more = self._received.partition(b"\n")
        if len(line) > LONGEST_REQUEST_BYTES:
            raise UsageError(f"a request is at most {LONGEST_REQUEST_BYTES} bytes long")
        if more:
            raise UsageError("a connection is for one request")
        if not received and not end:
            raise UsageError("the request ended in the middle")
        if not end and now - self.since > PATIENCE_SECONDS:
            raise UsageError(f"no whole request came within {PATIENCE_SECONDS:g}s")
        return line if end else None

    def progress(self, words: str) -> None:
        self._say({"v": VERSION, "progress": words})

    def end(self, answer: Ruling, faults: tuple[str, ...] = ()) -> None:
        """The last line, after which the connection is closed."""
        self._say({"v": VERSION, "exit": answer.exit_status, "words": answer.words, "rule": answer.rule,
                   "names": answer.names, "faults": faults})
        self.gone = True
        self._connection.close()

    def _say(self, plain: dict[str, object]) -> None:
        if self.gone:
            return
        line = json.dumps(plain).encode() + b"\n"
        sent = 0
        with suppress(OSError):
            sent = self._connection.send(line, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
        if sent < len(line):
            self.gone = True
            self._connection.close()
