"""A control socket of the tests' own, and clients of it."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from watchdog_oom.daemon.control.listener import ControlSocket


class Client:
    """One connection, as anybody could make it."""

    def __init__(self, runtime: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(5)
        self.socket.connect(str(runtime / "control"))

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def told(self) -> list[dict[str, object]]:
        """Every line until the daemon closes the connection."""
        received = b""
        try:
            while part := self.socket.recv(1 << 16):
                received += part
        except ConnectionResetError:
            pass
        return [json.loads(line) for line in received.splitlines()]

    def close(self) -> None:
        self.socket.close()


class Clients:
    def __init__(self, runtime: Path) -> None:
        self._runtime = runtime
        self._made: list[Client] = []

    def __call__(self) -> Client:
        self._made.append(Client(self._runtime))
        return self._made[-1]

    def close(self) -> None:
        for one in self._made:
            one.close()


@pytest.fixture
def control(tmp_path: Path) -> Iterator[ControlSocket]:
    made = ControlSocket(str(tmp_path))
    yield made
    made.close()


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Clients]:
    clients = Clients(tmp_path)
    yield clients
    clients.close()
