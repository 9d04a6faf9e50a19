"""systemd's side of a D-Bus socket, as far as the tests use it: real sockets, served between two polls.

Like systemd 252 it reads no message that came together with BEGIN, and takes a Hello on its own socket for an attack.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jeepney.low_level import Endianness, Header, HeaderFields, Message, MessageFlag, MessageType, Parser

SYSTEMD = "org.freedesktop.systemd1"
UNIT: dict[str, tuple[str, Any]] = {
    "LoadState": ("s", "loaded"), "ActiveState": ("s", "active"), "SubState": ("s", "running"),
    "Result": ("s", "success"), "MainPID": ("u", 812), "NRestarts": ("u", 0), "UnitFileState": ("s", "enabled"),
    "Type": ("s", "simple"), "InvocationID": ("ay", b"\x01\x02"), "MemoryCurrent": ("t", 4096),
    "MemoryHigh": ("t", 2**64 - 1), "MemoryMax": ("t", 2**64 - 1), "ControlGroup": ("s", "/system.slice/a.service"),
    "Slice": ("s", "system.slice"), "TimeoutStartUSec": ("t", 90_000_000), "TimeoutStopUSec": ("t", 200_000_000),
    "ConditionResult": ("b", True), "ConditionTimestamp": ("t", 7), "Conditions": ("a(sbbsi)", []),
    "TriggeredBy": ("as", []), "StartLimitBurst": ("u", 5), "StartLimitIntervalUSec": ("t", 10_000_000)}


def unit(name: str, **changed: Any) -> dict[str, tuple[str, Any]]:
    """The properties of a running service, some of them changed; values keep their types."""
    changes = {key: (UNIT[key][0], value) for key, value in changed.items()}
    return {"Id": ("s", name), **UNIT, **changes}


@dataclass(slots=True)
class Peer:
    """One connection to the fake."""

    sock: socket.socket
    parser: Parser = field(default_factory=Parser)
    line: bytes = b""
    began: bool = False
    deaf: bool = False
    out: bytes = b""


class FakeSystemd:
    """``calls`` are what was asked; the fields before it are the script it follows."""

    def __init__(self, path: Path, *, bus: bool = False, backlog: int = 8) -> None:
        self.path = path
        self.bus = bus
        self.frozen = False           # PID 1 does nothing at all
        self.welcome = b"OK 0123456789abcdef\r\n"
        self.chunk = 1 << 20          # the most bytes sent at once
        self.ignored: set[str] = set()     # members that get no answer
        self.hangs_up_at: str | None = None
        self.removed_first = False
        self.results: dict[str, list[str | None]] = {}  # by unit: what its next jobs come to; None: they do not end
        self.errors: dict[str, tuple[str, str]] = {}
        self.on_job: Callable[[str, str], None] = lambda verb, name: None
        self.noise = 0
        self.units: dict[str, dict[str, tuple[str, Any]]] = {}
        self.jobs: set[str] = set()
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.accepted = 0
        self.peers: list[Peer] = []
        self._job = 0
        self._listening = socket.socket(socket.AF_UNIX)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._listening.bind(str(path))
        self._listening.listen(backlog)
        self._listening.setblocking(False)

    def asked(self, *members: str) -> list[tuple[str, tuple[Any, ...]]]:
        return [call for call in self.calls if call[0] in members]

    def serve(self) -> None:
        """Receive and answer what arrived."""
        if self.frozen:
            return
        while select.select([self._listening], [], [], 0)[0]:
            sock, _ = self._listening.accept()
            sock.setblocking(False)
            self.peers.append(Peer(sock))
            self.accepted += 1
        for peer in tuple(self.peers):
            self._serve(peer)

    def hang_up(self) -> None:
        for peer in self.peers:
            peer.sock.close()
        self.peers.clear()

    def close(self) -> None:
        self.hang_up()
        self._listening.close()
        self.path.unlink(missing_ok=True)

    def tell(self, member: str, signature: str, body: tuple[Any, ...], sender: str = SYSTEMD) -> None:
        """Send a signal to everybody."""
        for peer in self.peers:
            self._send(peer, MessageType.signal, body, signature, {
                HeaderFields.path: "/org/freedesktop/systemd1", HeaderFields.member: member,
                HeaderFields.interface: f"{SYSTEMD}.Manager", HeaderFields.sender: sender})

    def end_job(self, path: str, name: str, result: str) -> None:
        self.jobs.discard(path)
        self.tell("JobRemoved", "uoss", (1, path, name, result))

    def _serve(self, peer: Peer) -> None:
        while select.select([peer.sock], [], [], 0)[0]:
            data = peer.sock.recv(1 << 16)
            if not data:
                peer.sock.close()
                self.peers.remove(peer)
                return
            if not self._read(peer, data):
                return
        if peer.out:
            sent = peer.sock.send(peer.out[:self.chunk])
            peer.out = peer.out[sent:]

    def _read(self, peer: Peer, data: bytes) -> bool:
        """Says whether the connection is still there."""
        if not peer.began:
            peer.line += data
            if b"BEGIN\r\n" not in peer.line:
                return True
            assert peer.line.startswith(b"\0AUTH EXTERNAL ")
            peer.began, peer.deaf = True, not peer.line.endswith(b"BEGIN\r\n")
            peer.out += self.welcome
            return True
        for message in [] if peer.deaf else peer.parser.feed(data):
            member = message.header.fields[HeaderFields.member]
            self.calls.append((member, tuple(message.body)))
            if member == self.hangs_up_at or (member == "Hello" and not self.bus):
                peer.sock.close()
                self.peers.remove(peer)
                return False
            self._answer(peer, message, member)
        return True

    def _answer(self, peer: Peer, message: Message, member: str) -> None:
        for _ in range(self.noise):
            self.tell("UnitNew", "so", ("x.service", "/x"))
        if member in self.ignored:
            return
        if member in self.errors:
            name, text = self.errors[member]
            self._send(peer, MessageType.error, (text,), "s", self._to(message) | {HeaderFields.error_name: name})
        elif member == "GetAll":
            path = message.header.fields[HeaderFields.path]
            name = path.rsplit("/", 1)[1].replace("_2e", ".").replace("_2d", "-").replace("_40", "@")
            values = self.units.get(name, unit(name, LoadState="not-found", ActiveState="inactive", SubState="dead"))
            self._reply(peer, message, "a{sv}", (values,))
        elif member == "Get":
            path = message.header.fields[HeaderFields.path]
            if path in self.jobs:
                self._reply(peer, message, "v", (("s", "running"),))
            else:
                fields = self._to(message) | {HeaderFields.error_name: "org.freedesktop.DBus.Error.UnknownObject"}
                self._send(peer, MessageType.error, ("Unknown object.",), "s", fields)
        elif member in ("StartUnit", "StopUnit"):
            self._begin_job(peer, message, member)
        else:
            self._reply(peer, message, "s" if member == "Hello" else "", (":1.7",) if member == "Hello" else ())

    def _begin_job(self, peer: Peer, message: Message, member: str) -> None:
        name, mode = message.body
        assert mode == "fail"
        self._job += 1
        path = f"/org/freedesktop/systemd1/job/{self._job}"
        self.jobs.add(path)
        self.on_job(member, name)
        results = self.results.get(name, [])
        result = results.pop(0) if results else "done"
        if self.removed_first and result is not None:
            self.end_job(path, name, result)
        self._reply(peer, message, "o", (path,))
        if not self.removed_first and result is not None:
            self.end_job(path, name, result)

    def _reply(self, peer: Peer, message: Message, signature: str, body: tuple[Any, ...]) -> None:
        self._send(peer, MessageType.method_return, body, signature, self._to(message))

    def _to(self, message: Message) -> dict[HeaderFields, Any]:
        return {HeaderFields.reply_serial: message.header.serial, HeaderFields.sender: SYSTEMD}

    def _send(self, peer: Peer, kind: MessageType, body: tuple[Any, ...], signature: str,
              fields: dict[HeaderFields, Any]) -> None:
        if signature:
            fields = {**fields, HeaderFields.signature: signature}
        header = Header(Endianness.little, kind, MessageFlag(0), 1, 0, 1, fields)
        peer.out += bytes(Message(header, body).serialise(serial=1))


def together(step: Callable[[], bool], *fakes: FakeSystemd, seconds: float = 5.0) -> None:
    """Serve and step in turn until the step returns true."""
    end = time.monotonic() + seconds
    while not step():
        assert time.monotonic() < end, "waited in vain"
        for fake in fakes:
            fake.serve()
