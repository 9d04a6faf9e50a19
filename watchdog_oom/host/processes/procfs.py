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
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

from watchdog_oom.core.model import NO_FACTS, Facts, Process, ProcessId

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PF_KTHREAD = 0x00200000
_GONE = frozenset({errno.ENOENT, errno.ESRCH, errno.EACCES, errno.EPERM})
_CMDLINE_BYTES = 4096
_STATUS_BYTES = 16384
_MOST_DESCRIPTORS = 4096
_DELETED = " (deleted)"
_UNIT_SUFFIXES = (".service", ".scope", ".socket", ".mount", ".swap")


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
    words = _status_value(status, b"Uid").split()
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else None


def parse_swap_bytes(status: bytes) -> int | None:
    """VmSwap of /proc/PID/status (since Linux 2.6.34), ``None`` without an address space."""
    words = _status_value(status, b"VmSwap").split()
    return int(words[0]) * 1024 if words and words[0].isdigit() else None


def _status_value(status: bytes, name: bytes) -> bytes:
    """The kernel escapes a newline in the name of the first line, so no process can forge a later one."""
    _, _, rest = status.partition(b"\n" + name + b":")
    return rest.partition(b"\n")[0]


def unit_of_cgroup(content: bytes) -> str | None:
    """The unit of the *system* manager in /proc/PID/cgroup (cgroups(7)): the first path component that is no slice.

    Below that unit the tree may be delegated: what a user's own manager runs belongs to ``user@1000.service``, so a
    user who names a control group ``mariadb.service`` gains nothing. Both the unified hierarchy (``0::/…``) and
    version 1 (``name=systemd``) are supported.
    """
    unified: bytes | None = None
    for line in content.splitlines():
        _, _, named = line.partition(b":")
        controllers, _, path = named.partition(b":")
        if controllers == b"name=systemd":
            return first_unit(path)  # where both are there, systemd itself goes by this one
        if controllers == b"":
            unified = path
    return None if unified is None else first_unit(unified)


def first_unit(path: bytes) -> str | None:
    """The unit of a control group's path."""
    for component in path.decode("utf-8", "surrogateescape").split("/"):
        # systemd puts "_" before a name that the kernel would take for one of its own files (cg_escape).
        name = component.removesuffix(_DELETED).removeprefix("_")
        if name.endswith(_UNIT_SUFFIXES):
            return name
        if name not in ("", "..") and not name.endswith(".slice"):
            return None
    return None


def read_file(path: str, most_bytes: int = 4096) -> bytes | None:
    """The first bytes of a small file below /proc, read in one piece."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.read(fd, most_bytes)
        finally:
            os.close(fd)
    except OSError as error:
        if error.errno in _GONE:
            return None
        raise


def list_pids(root: str) -> set[int]:
    """Every pid that exists now; ``OSError`` if /proc itself cannot be read."""
    return {int(name) for name in os.listdir(root) if name.isdecimal()}


def read_stat(root: str, pid: int) -> Process | None:
    """The process without facts, or ``None`` if it is gone; ``ValueError`` if the content makes no sense."""
    content = read_file(f"{root}/{pid}/stat")
    return parse_stat(pid, content) if content is not None else None


def read_exe(root: str, pid: int) -> str | None:
    """The executable; if it was replaced or removed since, its old path."""
    path = readlink(f"{root}/{pid}/exe")
    return path.removesuffix(_DELETED) if path is not None else None


def read_cmdline(root: str, pid: int) -> str | None:
    """The arguments joined by spaces, at most 4096 bytes; forgeable, and slow to read if swapped out."""
    content = read_file(f"{root}/{pid}/cmdline", _CMDLINE_BYTES)
    if content is None:
        return None
    return content.rstrip(b"\0").replace(b"\0", b" ").decode("utf-8", "surrogateescape")


def read_uid(root: str, pid: int) -> int | None:
    content = read_file(f"{root}/{pid}/status", _STATUS_BYTES)
    return parse_uid(content) if content is not None else None


def read_swap_bytes(root: str, pid: int) -> int | None:
    content = read_file(f"{root}/{pid}/status", _STATUS_BYTES)
    return parse_swap_bytes(content) if content is not None else None


def read_unit(root: str, pid: int) -> str | None:
    content = read_file(f"{root}/{pid}/cgroup", 16384)
    return unit_of_cgroup(content) if content is not None else None


def read_oom_score_adj(root: str, pid: int) -> int | None:
    """−1000…1000."""
    return _read_number(f"{root}/{pid}/oom_score_adj")


def read_oom_score(root: str, pid: int) -> int | None:
    """The kernel's badness: it would kill the process with the highest value."""
    return _read_number(f"{root}/{pid}/oom_score")


def open_paths(root: str, pid: int, most_descriptors: int = _MOST_DESCRIPTORS) -> Iterator[str]:
    """Working directory, root directory and open files as named by the kernel, including ``(deleted)``.

    Of a process with a huge number of descriptors only the first are read, so that it cannot stall the daemon.
    """
    for name in ("cwd", "root"):
        if (path := readlink(f"{root}/{pid}/{name}")) is not None:
            yield path
    with suppress(FileNotFoundError, ProcessLookupError, PermissionError), os.scandir(f"{root}/{pid}/fd") as entries:
        for entry in islice(entries, most_descriptors):
            if (path := readlink(entry.path)) is not None:
                yield path


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


def readlink(path: str) -> str | None:
    """The target of a link below /proc; bytes that are not UTF-8 become surrogates."""
    try:
        return os.readlink(path)
    except OSError as error:
        if error.errno in _GONE:
            return None
        raise


def _read_number(path: str) -> int | None:
    content = read_file(path, 64)
    try:
        return int(content) if content else None
    except ValueError:
        return None
