"""A copy of each record to the system journal, or to syslog if there is none; it never waits for either.

Written by hand instead of with logging.handlers, which adds 1.4 MiB of locked memory; the C library's syslog(3) may
block.
"""

from __future__ import annotations

import errno
import os
import socket
import time
from collections.abc import Sequence

from watchdog_oom.journal.record import Kind, Record, sentence

JOURNAL_SOCKET = "/run/systemd/journal/socket"
SYSLOG_SOCKET = "/dev/log"
IDENTIFIER = "watchdog-oomd"
_DAEMON_FACILITY = 3
_SYSLOG_BYTES = 1024  # RFC 3164, 4.1
_VALUE_BYTES = 4096
_ABSENT = (errno.ENOENT, errno.ECONNREFUSED, errno.ENOTDIR)
_WARNING, _NOTICE, _INFO = 4, 5, 6

# Never change these: `journalctl MESSAGE_ID=…` finds all records of a kind
MESSAGE_IDS: dict[Kind, str] = {
    Kind.START: "9686d134260646d798aa2ccb738cf096",
    Kind.POLICY: "287dc1f0f89b40ac823ae385aba78e01",
    Kind.INCIDENT: "9b6c26ab75fd44a69ca599f5093541d0",
    Kind.INTENT: "19be1472d06344f8a53f0f48fa5c1bf4",
    Kind.OUTCOME: "18654cec22c746ad950a87fb66b15f6b",
    Kind.REFUSED: "11919c3bda7f43cab7f53d0e2a8149b7",
    Kind.RECOVERED: "15f6a7c30d4343b8acc04598e36fa31f",
    Kind.LATE: "9192d12539ad41baae743adb4e0b6116",
    Kind.STOP: "b0c61b223c3a40b288bb810535c78e54",
    Kind.REQUEST: "4ab0d43d67b94aba8fb8092ef03a2eb3",
}
_PRIORITIES = {
    Kind.START: _INFO, Kind.STOP: _INFO, Kind.POLICY: _NOTICE, Kind.INTENT: _NOTICE, Kind.OUTCOME: _NOTICE,
    Kind.INCIDENT: _WARNING, Kind.REFUSED: _WARNING, Kind.RECOVERED: _WARNING, Kind.LATE: _WARNING,
    Kind.REQUEST: _NOTICE,
}
_OK_WORDS: dict[bool | None, str] = {True: "true", False: "false"}


class SystemLog:
    """``dropped`` counts copies that no service accepted immediately; without any service nothing is counted."""

    def __init__(self, journal_path: str = JOURNAL_SOCKET, syslog_path: str = SYSLOG_SOCKET) -> None:
        self.dropped = 0
        self._journal_path = journal_path
        self._syslog_path = syslog_path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)

    def send(self, record: Record, seq: int | None = None) -> None:
        """Send one copy. Never raises and never waits."""
        try:
            if not self._send_to(self._journal_path, journal_datagram(record, seq)):
                self._send_to(self._syslog_path, syslog_datagram(record, time.time(), os.getpid()))
        except OSError:
            self.dropped += 1

    def send_words(self, words: str, fields: Sequence[tuple[str, str]]) -> bool:
        """What is no record: one line for people, with fields for whoever collects. Whether it need not be said again:
        a service took it, or there is none."""
        datagram = _framed([("MESSAGE", words), ("PRIORITY", _INFO), ("SYSLOG_IDENTIFIER", IDENTIFIER),
                            ("SYSLOG_FACILITY", _DAEMON_FACILITY), *fields])
        try:
            if not self._send_to(self._journal_path, datagram):
                self._send_to(self._syslog_path, _syslog_line(words, _INFO, time.time(), os.getpid()))
        except OSError:
            return False
        return True

    def close(self) -> None:
        self._socket.close()

    def _send_to(self, path: str, datagram: bytes) -> bool:
        """Whether the service exists. Raises OSError if it does not accept the datagram now."""
        try:
            # by path each time: the service may have been restarted
            self._socket.sendto(datagram, path)
        except OSError as error:
            if error.errno in _ABSENT:
                return False
            raise
        return True


def journal_datagram(record: Record, seq: int | None) -> bytes:
    """The record in the native protocol of systemd-journald (systemd.io/JOURNAL_NATIVE_PROTOCOL)."""
    fields: list[tuple[str, object]] = [
        ("MESSAGE", sentence(record)), ("MESSAGE_ID", MESSAGE_IDS[record.kind]),
        ("PRIORITY", _priority(record)), ("SYSLOG_IDENTIFIER", IDENTIFIER),
        ("SYSLOG_FACILITY", _DAEMON_FACILITY), ("WATCHDOG_OOM_KIND", record.kind.value), ("WATCHDOG_OOM_SEQ", seq),
        ("WATCHDOG_OOM_INCIDENT", record.incident), ("WATCHDOG_OOM_RULE", record.rule),
        ("WATCHDOG_OOM_STEP", record.step), ("WATCHDOG_OOM_OK", _OK_WORDS.get(record.ok)),
        ("WATCHDOG_OOM_RESULT", record.result), ("WATCHDOG_OOM_ID", record.id),
    ]
    fields += [("WATCHDOG_OOM_BECAUSE", reason) for reason in record.because]
    fields += [(f"WATCHDOG_OOM_TARGET_{_field_name(key)}", value) for key, value in (record.target or {}).items()]
    return _framed(fields)


def syslog_datagram(record: Record, wall: float, pid: int) -> bytes:
    """The record as local syslog takes it (RFC 3164, without a host name), cut to 1024 bytes."""
    return _syslog_line(sentence(record), _priority(record), wall, pid)


def _syslog_line(words: str, severity: int, wall: float, pid: int) -> bytes:
    priority = _DAEMON_FACILITY * 8 + severity
    stamp = time.strftime("%b %e %H:%M:%S", time.localtime(wall))
    return _bytes(f"<{priority}>{stamp} {IDENTIFIER}[{pid}]: {words}")[:_SYSLOG_BYTES]


def _framed(fields: Sequence[tuple[str, object]]) -> bytes:
    return b"".join(_field(name, value) for name, value in fields if value is not None)


def _priority(record: Record) -> int:
    return _WARNING if record.ok is False else _PRIORITIES[record.kind]


def _field(name: str, value: object) -> bytes:
    """One field. A value with a newline is framed by its length, so no process can inject fields through its name."""
    key, data = name.encode("ascii"), _bytes(str(value))[:_VALUE_BYTES]
    if b"\n" not in data:
        return b"%b=%b\n" % (key, data)
    return b"%b\n%b%b\n" % (key, len(data).to_bytes(8, "little"), data)


def _field_name(key: str) -> str:
    """A field name that journald accepts: A-Z, 0-9 and underscore, at most 64 characters."""
    return "".join(char if char.isascii() and char.isalnum() else "_" for char in key.upper())[:40]


def _bytes(text: str) -> bytes:
    """The original bytes of a process's text."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace")
