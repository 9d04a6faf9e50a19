"""The child that records: ticks in, lines in compressed files out. It may be slow, hang or die; the daemon goes on."""

from __future__ import annotations

import marshal
import select
import socket
import time
from contextlib import suppress

from watchdog_oom.daemon.config import Config
from watchdog_oom.daemon.flight.backlog import Backlog
from watchdog_oom.daemon.flight.packing import END, LOOK, PROCESSES, TICK
from watchdog_oom.daemon.flight.recording import Recording
from watchdog_oom.daemon.flight.witness import Witness

_PACKET_BYTES = 256 << 10


def record(connection: socket.socket, log_directory: str, proc: str, config: Config) -> None:
    """Until the daemon closes its end."""
    recording = Recording(log_directory, size_bytes=config.recorder_size_bytes,
                          keep_seconds=config.recorder_keep_seconds)
    _Writer(connection, recording, Backlog(config.recorder_every_seconds), Witness(proc)).serve()


class _Writer:
    def __init__(self, connection: socket.socket, recording: Recording, backlog: Backlog, witness: Witness) -> None:
        self._connection = connection
        self._recording = recording
        self._backlog = backlog
        self._witness = witness
        self._looks = False  # told to look, and the tick that it belongs to has not come yet
        self._orderly = False

    def serve(self) -> None:
        self._report()
        while True:
            ready = self._wait()
            if self._connection.fileno() in ready:
                packet = self._receive()
                if not packet:
                    break
                self._take(packet[:1], packet[1:])
            self._hear_witness()
        for recorded in self._backlog.rest(ring=not self._orderly):
            self._recording.write(recorded)
        self._recording.close()

    def _receive(self) -> bytes:
        """The next packet; empty at the end. Of a daemon that was killed before it read our reports the kernel first
        tells a reset (unix(7)), once; what it had sent is there all the same."""
        try:
            return self._connection.recv(_PACKET_BYTES)
        except ConnectionResetError:
            return self._connection.recv(_PACKET_BYTES)

    def _wait(self) -> dict[int, int]:
        waiting = select.poll()
        waiting.register(self._connection.fileno(), select.POLLIN)
        if self._witness.fileno() < 0 or self._looks:
            return dict(waiting.poll())
        waiting.register(self._witness.fileno(), select.POLLIN)
        return dict(waiting.poll(self._witness.seconds_left(time.monotonic()) * 1000))

    def _take(self, kind: bytes, content: bytes) -> None:
        if kind == PROCESSES:
            self._backlog.take_processes(content)
        elif kind == TICK:
            for recorded in self._backlog.take_tick(content):
                self._recording.write(recorded)
            self._looks = False
            self._report()
        elif kind == LOOK:
            pids, hurried = marshal.loads(content)  # noqa: S302 - it comes from our own process
            self._witness.begin(pids, hurried)
            self._looks = True
        elif kind == END:
            self._orderly = True

    def _hear_witness(self) -> None:
        texts = None if self._looks else self._witness.over(time.monotonic())
        if texts:
            self._recording.add(texts, self._witness.began_boottime)

    def _report(self) -> None:
        """After every tick: the daemon counts how long it hears nothing."""
        recording = self._recording
        with suppress(OSError):
            self._connection.send(marshal.dumps((recording.last_wall, recording.size_bytes, recording.lost,
                                                 recording.problem)), socket.MSG_DONTWAIT)
