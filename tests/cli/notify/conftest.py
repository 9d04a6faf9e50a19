"""A journal that is written as the daemon writes it, programs that take messages, a mail server that can be down."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from watchdog_oom.journal import Journal, Kind, Record

PATIENCE_SECONDS = 30.0
# What a small sendmail does: reads a mail, takes its recipients from it, and hands it to a server or fails.
SENDMAIL = """
import smtplib, sys, email, email.utils
mail = sys.stdin.buffer.read()
to = [address for _, address in email.utils.getaddresses(email.message_from_bytes(mail).get_all("To"))]
try:
    with smtplib.SMTP("127.0.0.1", {port}, timeout=10) as server:
        server.sendmail("watchdog-oom@localhost", to, mail)
except OSError as error:
    sys.exit(f"cannot reach the server: {{error.strerror}}")
"""
# The same with a pause after it was taken, in which its caller can be killed.
SLOW = "\nimport time\ntime.sleep({seconds})\n"


class MailServer:
    """Speaks as much SMTP (RFC 5321) as it takes to receive a mail, on a port that stays the same while it is down."""

    def __init__(self) -> None:
        self.received: list[EmailMessage] = []
        self.recipients: list[str] = []
        with socket.create_server(("127.0.0.1", 0)) as found:
            self.port: int = found.getsockname()[1]
        self._socket: socket.socket | None = None

    def start(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", self.port), reuse_port=False)
        threading.Thread(target=self._serve, args=(self._socket,), daemon=True).start()

    def stop(self) -> None:
        if self._socket is not None:
            self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()
            self._socket = None

    def _serve(self, listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection, connection.makefile("rwb") as stream:
                self._talk(stream)

    def _talk(self, stream: Any) -> None:
        def say(line: bytes) -> None:
            stream.write(line + b"\r\n")
            stream.flush()
        say(b"220 here")
        for line in stream:
            verb = line[:4].upper()
            if verb == b"RCPT":
                self.recipients.append(line.decode().partition("<")[2].partition(">")[0])
            if verb == b"DATA":
                say(b"354 go on")
                data = []
                while (part := stream.readline()) not in (b".\r\n", b""):
                    data.append(part[1:] if part.startswith(b".") else part)
                self.received.append(message_from_bytes(b"".join(data), policy=policy.default))
            say(b"221 bye" if verb == b"QUIT" else b"250 fine")
            if verb == b"QUIT":
                return


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    server = MailServer()
    yield server
    server.stop()


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str, str], Path]:
    """An executable Python program of that name and text."""
    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(f"#!{sys.executable} -ISB\n{text}")
        path.chmod(0o755)
        return path
    return write


@pytest.fixture
def sendmail(program: Callable[[str, str], Path], mail_server: MailServer) -> Path:
    return program("sendmail", SENDMAIL.format(port=mail_server.port))


class Night:
    """A journal, and the notifier beside it as a process."""

    def __init__(self, home: Path) -> None:
        self.home = home
        home.chmod(0o755)
        self.journal = Journal(str(home / "log"), boot_id="b" * 36)
        self.journal.open()
        self.config = home / "notify.toml"
        self.process: subprocess.Popen[bytes] | None = None

    def configure(self, text: str) -> None:
        self.config.write_text(text)
        self.config.chmod(0o644)

    @property
    def options(self) -> list[str]:
        return ["notify", "--config", str(self.config), "--log", str(self.home / "log"), "--state",
                str(self.home / "state"), "--runtime", str(self.home / "run")]

    def once(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-c", "from watchdog_oom.cli import main; main()", *self.options,
                               "--once"],
                              capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)

    def start(self) -> None:
        self.process = subprocess.Popen([sys.executable, "-c", "from watchdog_oom.cli import main; main()",
                                         *self.options], stderr=subprocess.PIPE)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None

    def standing(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads((self.home / "run-notify" / "notify.json").read_text())
        except FileNotFoundError:
            return {}
        return found

    def tell(self, kind: Kind, **fields: Any) -> None:
        self.journal.append(Record(kind, **fields))

    def opens(self, name: str = "amavis-1.1", rule: str = "recover.amavis",
              because: tuple[str, ...] = ("swap is gone",)) -> None:
        self.tell(Kind.INCIDENT, incident=name, rule=rule, because=because, result="opened")

    def closes(self, name: str = "amavis-1.1", rule: str = "recover.amavis", *, ok: bool = True) -> None:
        self.tell(Kind.OUTCOME, incident=name, rule=rule, step="stop amavis.service", ok=True, result="stop done")
        self.tell(Kind.INCIDENT, incident=name, rule=rule, ok=ok, result=f"closed: {'success' if ok else 'it failed'}")


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Night]:
    made = Night(tmp_path)
    yield made
    made.kill()
    made.journal.close()


def wait_for(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.05)


@pytest.fixture
def until() -> Callable[[Callable[[], object], str], None]:
    """Wait for a condition; fails with the words."""
    return wait_for


