"""Where the log comes from: files, standard input, the journal, the kernel's own buffer; always a piece at a time."""

from __future__ import annotations

import bz2
import errno
import gzip
import lzma
import os
import stat
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterator
from typing import IO

from watchdog_oom.errors import FAILED_EXIT_STATUS, NotPermittedError, UsageError, WatchdogError
from watchdog_oom.formatting import printable
from watchdog_oom.lean_dataclasses import dataclass

STANDARD_INPUT = "-"
KMSG = "/dev/kmsg"
_PIECE_BYTES = 1 << 20
_RECORD_BYTES = 8192  # printk's largest record
_USER_SPACE = ("systemd-oomd", "earlyoom", "nohang", "nohang-desktop")
_JOURNAL = ("journalctl", "--quiet", "--no-pager", "--output=json", "_TRANSPORT=kernel",
            *(word for name in _USER_SPACE for word in ("+", f"SYSLOG_IDENTIFIER={name}")))
_PACKED = ((b"\x1f\x8b", gzip.open), (b"\xfd7zXZ", lzma.open), (b"BZh", bz2.open))
_DAMAGED = (EOFError, zlib.error, lzma.LZMAError)


class UnreadableLogError(WatchdogError):
    """The log could not be read to its end; the message says why."""

    exit_status = FAILED_EXIT_STATUS


@dataclass(frozen=True, slots=True)
class LogSource:
    """One log: its name for people, and its bytes. ``this_boot``: whether all of it is of the running kernel."""

    name: str
    pieces: Iterator[bytes]
    this_boot: bool = False


def of_file(path: str) -> LogSource:
    """A file, plain or as logrotate packs it. Its name and kind are checked now, its content is read later."""
    if path == STANDARD_INPUT:
        return LogSource("standard input", _read(_standard_input(), "standard input"))
    name = printable(path)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY)
    except PermissionError:
        raise NotPermittedError(f"{name}: may not be read by this user; run this as root") from None
    except OSError as error:
        raise UsageError(f"{name}: {error.strerror}") from None
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISDIR(mode):
        os.close(descriptor)
        raise UsageError(f"{name}: is a directory; name the log files in it")
    if stat.S_ISCHR(mode) and os.path.realpath(path) == KMSG:
        os.close(descriptor)
        return of_boot()
    return LogSource(name, _read(os.fdopen(descriptor, "rb", buffering=0), name))


def of_journal(since: float | None = None, until: float | None = None) -> LogSource:
    """Everything that the kernel and the killers in user space wrote into the journal, over all boots it has, or from
    one time to another."""
    bounds = [f"--{name}=@{wall:.0f}" for name, wall in (("since", since), ("until", until)) if wall is not None]
    return LogSource("the journal", _child((*_JOURNAL, *bounds), "the journal"))


def of_boot(path: str = KMSG) -> LogSource:
    """What the kernel still has of this boot."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except PermissionError:
        raise NotPermittedError("the kernel's log may not be read by this user; run this as root") from None
    except OSError:
        return LogSource("the kernel's log", _child(("dmesg", "--raw"), "the kernel's log"), this_boot=True)
    return LogSource("the kernel's log", _records(descriptor), this_boot=True)


def _standard_input() -> IO[bytes]:
    return open(sys.stdin.fileno(), "rb", buffering=0, closefd=False)


def _read(file: IO[bytes], name: str) -> Iterator[bytes]:
    with file:
        first = _piece(file, name)
        opener = next((opener for magic, opener in _PACKED if first.startswith(magic)), None)
        if opener is None or not file.seekable():
            while first:
                yield first
                first = _piece(file, name)
            return
        file.seek(0)
        with opener(file, "rb") as unpacked:
            try:
                while piece := unpacked.read(_PIECE_BYTES):
                    yield piece
            except (*_DAMAGED, OSError) as error:
                raise UnreadableLogError(f"{name}: the packed file is damaged ({error})") from None


def _piece(file: IO[bytes], name: str) -> bytes:
    try:
        return file.read(_PIECE_BYTES)
    except OSError as error:
        raise UnreadableLogError(f"{name}: {error.strerror}") from None


def _child(argv: tuple[str, ...], name: str) -> Iterator[bytes]:
    """The output of a program. What it complains of is told only if it failed."""
    with tempfile.TemporaryFile() as complaints:
        try:
            child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaints,
                                     env={**os.environ, "LC_ALL": "C.UTF-8", "SYSTEMD_COLORS": "0"})
        except OSError as error:
            raise UsageError(f"{name} cannot be read here: {argv[0]}: {error.strerror}; "
                             "give a log file, or - for standard input") from None
        output = child.stdout
        try:
            while output is not None and (piece := os.read(output.fileno(), _PIECE_BYTES)):
                yield piece
        finally:
            if output is not None:
                output.close()
            if child.poll() is None and sys.exc_info()[0] is not None:
                child.terminate()
            status = child.wait()
        if status > 0:
            complaints.seek(0)
            _complain(name, complaints.read(4096).decode("utf-8", "replace").strip())


def _complain(name: str, said: str) -> None:
    if os.geteuid() and ("ermission" in said or "not permitted" in said or "nsufficient" in said):
        raise NotPermittedError(f"{name} may not be read by this user; run this as root")
    raise UnreadableLogError(f"{name} could not be read: {said or 'no reason given'}")


def _records(descriptor: int) -> Iterator[bytes]:
    """Every record that /dev/kmsg has now (Documentation/ABI/testing/dev-kmsg): EAGAIN is the end, EPIPE a gap."""
    try:
        while True:
            try:
                yield os.read(descriptor, _RECORD_BYTES)
            except OSError as error:
                if error.errno == errno.EAGAIN:
                    return
                if error.errno not in (errno.EPIPE, errno.EINTR, errno.EINVAL):
                    raise UnreadableLogError(f"the kernel's log: {error.strerror}") from None
    finally:
        os.close(descriptor)
