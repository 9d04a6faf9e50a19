"""One process as shown in /proc/PID (proc(5)): parsing separate from reading, without state.

Every reader returns ``None`` if the process is gone or may not be read, and raises ``OSError`` only if the host itself
is in trouble (no descriptors, no memory).

Written by hand instead of with psutil, which serves the command's tables: imported after all that the daemon imports,
psutil adds 1.7 MiB of locked memory, all of ``host/processes`` 0.6. A scan with psutil takes five times as long
(docs/performance.md), and psutil gives neither oom_score_adj nor badness.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from itertools import islice

from watchdog_oom.core.model import NO_FACTS, Facts, Process, ProcessId

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PF_KTHREAD = 0x00200000
GONE = frozenset({errno.ENOENT, errno.ESRCH, errno.EACCES, errno.EPERM})
_MOST_THREADS = 64
_READING = os.O_RDONLY | os.O_CLOEXEC
_STATUS_BYTES = 16384
_PART_BYTES = 65536
DELETED = " (deleted)"


def parse_stat(pid: int, content: bytes, facts: Facts = NO_FACTS) -> Process:
    """Parse /proc/PID/stat; ``ValueError`` on anything else. ``facts`` are copied into the result.

    The comm ends at the last ``)``, since it may itself contain ``) R 1 (``. ``image`` is computed from the comm and
    the addresses of code and stack, which every exec changes; it is 0 without an address space (kernel threads,
    zombies, exiting processes).
    """
    opening, closing = content.find(b" ("), content.rfind(b") ")
    if closing < opening + 2 or content[:max(0, opening)] != b"%d" % pid:
        raise ValueError(f"stat of process {pid} is damaged")
    comm = content[opening + 2:closing]
    field = content[closing + 2:].split(None, 26)
    if len(field) < 26 or len(field[0]) != 1 or len(field[19]) > 20:
        raise ValueError(f"stat of process {pid} is cut short")
    start_ticks = int(field[19])
    # Fields 23 and 26 to 28 of proc(5): vsize, startcode, endcode, startstack. The last three read as 0 or 1 without
    # permission to trace the process; then the comm still shows most execs.
    image = 0
    if field[20] != b"0":
        image = hash((int(field[23]), int(field[24]), int(field[25]), int.from_bytes(comm))) or 1
    return Process(
        ProcessId(pid, start_ticks), int(field[1]), comm.decode("utf-8", "surrogateescape"),
        field[0].decode("ascii", "replace"), int(field[3]), int(field[4]), int(field[17]),
        max(0, int(field[21])) * PAGE_BYTES, start_ticks / TICKS_PER_SECOND, image,
        int(field[6]) & _PF_KTHREAD != 0, facts)


def parse_uid(status: bytes) -> int | None:
    """The effective user of /proc/PID/status: the one that ps and top show and that owns the files it creates."""
    words = value_of(status, b"Uid").split()
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else None


def parse_swap_bytes(status: bytes) -> int | None:
    """VmSwap of /proc/PID/status (since Linux 2.6.34), ``None`` without an address space."""
    return size_of(value_of(status, b"VmSwap"))


def parse_anonymous_bytes(status: bytes) -> int | None:
    """RssAnon of /proc/PID/status (since Linux 4.5), ``None`` without an address space."""
    return size_of(value_of(status, b"RssAnon"))


def size_of(words: bytes) -> int | None:
    """A size in kB, as the kernel prints it, in bytes."""
    number = words.split()
    return int(number[0]) * 1024 if number and number[0].isdigit() else None


def value_of(status: bytes, name: bytes) -> bytes:
    """The kernel escapes a newline in the name of the first line, so no process can forge a later one."""
    _, _, rest = status.partition(b"\n" + name + b":")
    return rest.partition(b"\n")[0]


def read_file(path: str, most_bytes: int = 4096) -> bytes | None:
    """The first bytes of a small file below /proc, read in one piece. Of a file of many records, such as mountinfo,
    the kernel gives hardly a page at once: those are for ``read_whole``."""
    try:
        fd = os.open(path, _READING)
        try:
            return os.read(fd, most_bytes)
        finally:
            os.close(fd)
    except OSError as error:
        if error.errno in GONE:
            return None
        raise


def read_whole(path: str, most_bytes: int) -> bytes | None:
    """A file below /proc that the kernel may give in parts, to its end, or so many bytes of it."""
    content = bytearray()
    try:
        fd = os.open(path, _READING)
        try:
            while len(content) < most_bytes and (part := os.read(fd, min(_PART_BYTES, most_bytes - len(content)))):
                content += part
        finally:
            os.close(fd)
    except OSError as error:
        if error.errno in GONE:
            return None
        raise
    return bytes(content)


def pids_among(names: Iterable[str]) -> frozenset[int]:
    """Those of the names in /proc that are processes."""
    return frozenset(map(int, filter(str.isdecimal, names)))


def read_stat_line(root: str, pid: int) -> bytes | None:
    """The stat line; where the first thread has ended and others live, with what a living one shows of the memory."""
    content = read_file(f"{root}/{pid}/stat")
    return with_living_thread(root, pid, content) if content is not None else None


def with_living_thread(root: str, pid: int, content: bytes) -> bytes:
    """The stat line of a process, likewise."""
    if b") Z " not in content:
        return content
    thread = living_thread(root, pid, content)
    shown = read_file(f"{root}/{pid}/task/{thread}/stat") if thread is not None else None
    return content if shown is None else with_memory_of(content, shown)


def with_memory_of(leader: bytes, thread: bytes) -> bytes:
    """The stat line of a first thread that has ended, with the fields from vsize on (proc(5), 23) of another: they are
    the whole process's, and the first shows none of them any more."""
    head, tail = leader.rpartition(b") "), thread.rpartition(b") ")[2].split(None, 20)
    fields = head[2].split(None, 20)
    if len(fields) < 21 or len(tail) < 21:
        return leader
    return b"".join((head[0], head[1], b" ".join((*fields[:20], tail[20]))))


def living_thread(root: str, pid: int, stat: bytes | None = None) -> int | None:
    """A thread that lives, of a process whose first has ended; ``None`` if the first lives or none does. Others that
    have ended vanish at once, unless they are traced, so few are looked at."""
    content = stat if stat is not None else read_file(f"{root}/{pid}/stat")
    if content is None or content.rpartition(b") ")[2][:1] != b"Z":
        return None
    with suppress(FileNotFoundError, ProcessLookupError, PermissionError), os.scandir(f"{root}/{pid}/task") as threads:
        for entry in islice(threads, _MOST_THREADS):
            if entry.name != str(pid) and entry.name.isdecimal():
                shown = read_file(f"{root}/{pid}/task/{entry.name}/stat")
                if shown is not None and shown.rpartition(b") ")[2][:1] not in (b"Z", b"X", b""):
                    return int(entry.name)
    return None


def read_stat(root: str, pid: int) -> Process | None:
    """The process without facts, or ``None`` if it is gone; ``ValueError`` if the content makes no sense."""
    content = read_stat_line(root, pid)
    return parse_stat(pid, content) if content is not None else None


def shown_at(root: str, pid: int) -> str:
    """The directory that shows memory, program and files of a process: a living thread's, if the first has ended."""
    thread = living_thread(root, pid)
    return f"{root}/{pid}" if thread is None else f"{root}/{pid}/task/{thread}"


def read_exe(root: str, pid: int) -> str | None:
    """The executable; if it was replaced or removed since, its old path."""
    path = read_link(f"{root}/{pid}/exe")
    path = path if path is not None else read_link(f"{shown_at(root, pid)}/exe")
    return path.removesuffix(DELETED) if path is not None else None


def read_uid(root: str, pid: int) -> int | None:
    return _read_status(root, pid, parse_uid)


def read_swap_bytes(root: str, pid: int) -> int | None:
    return _read_status(root, pid, parse_swap_bytes)


def read_anonymous_bytes(root: str, pid: int) -> int | None:
    return _read_status(root, pid, parse_anonymous_bytes)


def _read_status(root: str, pid: int, parse: Callable[[bytes], int | None]) -> int | None:
    """A size of the status; of a living thread's, if the first has ended and shows none."""
    size = None
    if (content := read_file(f"{root}/{pid}/status", _STATUS_BYTES)) is not None:
        size = parse(content)
        if size is None and (content := read_file(f"{shown_at(root, pid)}/status", _STATUS_BYTES)) is not None:
            size = parse(content)
    return size


def read_oom_score_adj(root: str, pid: int) -> int | None:
    """−1000…1000."""
    return _read_number(f"{root}/{pid}/oom_score_adj")


def read_oom_score(root: str, pid: int) -> int | None:
    """The kernel's badness: it would kill the process with the highest value."""
    return _read_number(f"{root}/{pid}/oom_score")


def lineage(root: str, own_pid: int) -> frozenset[ProcessId]:
    """The process of that pid and all its ancestors, by identity: an ancestor's pid may be another's one day."""
    found: set[ProcessId] = set()
    pid = own_pid
    while pid > 0:
        process = None
        with suppress(OSError, ValueError):
            process = read_stat(root, pid)
        if process is None or process.id in found:
            break
        found.add(process.id)
        pid = process.ppid
    return frozenset(found)


def helpers_of(daemon_pid: int, processes: Mapping[int, Process]) -> frozenset[ProcessId]:
    """The daemon's children that run its own code. Without them it would be blind or slow just when it matters, and
    they hold little of their own; a program that it started has another image, and nobody else can be its child."""
    daemon = processes.get(daemon_pid)
    if daemon is None or not daemon.image:
        return frozenset()
    return frozenset([process.id for process in processes.values()
                      if process.ppid == daemon_pid and process.image == daemon.image])


def read_link(path: str) -> str | None:
    """The target of a link below /proc; bytes that are not UTF-8 become surrogates."""
    try:
        return os.readlink(path)
    except OSError as error:
        if error.errno in GONE:
            return None
        raise


def _read_number(path: str) -> int | None:
    content = read_file(path, 64)
    try:
        return int(content) if content else None
    except ValueError:
        return None
