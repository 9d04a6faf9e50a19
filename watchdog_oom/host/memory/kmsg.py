"""The kernel's own OOM kills: what its log says, and the reader of /dev/kmsg."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable

from watchdog_oom.core.model import KernelKill, Process
from watchdog_oom.host.processes.control_group import units_of
from watchdog_oom.lean_dataclasses import dataclass, replace

# printk's largest extended record; a smaller buffer makes the kernel answer EINVAL and drop the record.
_BUFFER_BYTES = 8192
_SAME_KILL_SECONDS = 10.0
_GIVE_UP_AFTER = 64
_TOLD_KEPT = 1024

_ESCAPE = re.compile(rb"\\x([0-9a-fA-F]{2})")
_SUMMARY = re.compile(r"oom-kill:constraint=(CONSTRAINT_[A-Z_]+),.*,"
                      r"task=(.{0,15}),pid=(\d{1,10}),uid=(\d{1,10})", re.DOTALL)
_MEMCG = ",task_memcg="
# A comm has 15 bytes at most and may hold `)`: it ends at the last place from which the rest looks as the kernel's.
_KILLED = re.compile(r"(?:(Out of [Mm]emory|Memory cgroup out of memory)(?: \(oom_kill_allocating_task\))?: )?"
                     r"Killed process (\d{1,10})(?:, UID \d+,)? \((.{0,15})\)(?:\.|,? (?:total-vm|vsz|UID)[: ].*)?",
                     re.DOTALL)
_CHOSEN = re.compile(r"(Out of [Mm]emory|Memory cgroup out of memory)(?: \(oom_kill_allocating_task\))?: "
                     r"[Kk]ill process (\d{1,10}) \((.{0,15})\)(?: score \d+)? (?:or|and) .*", re.DOTALL)
_CGROUP_WORDS = "Memory cgroup out of memory"


@dataclass(frozen=True, slots=True)
class OomLine:
    """One line about an OOM kill. ``killed`` is false where the kernel only named its choice: kernels before 4.19 may
    then kill a child of it instead, as the next line says. ``cgroup``: a control group's limit was hit. ``uid`` and
    ``memcg``, the victim's own control group, are only in the summary."""

    pid: int
    comm: str
    cgroup: bool
    killed: bool = True
    uid: int | None = None
    memcg: str | None = None


def parse_record(record: bytes) -> str | None:
    """The text of one /dev/kmsg record (ABI/testing/dev-kmsg), ``None`` unless the kernel itself wrote it.

    Whoever writes to /dev/kmsg gets a facility other than 0, whatever prefix he puts in: so no kill can be forged.
    """
    prefix, semicolon, rest = record.partition(b";")
    priority = prefix.split(b",", 1)[0]
    if not semicolon or not priority.isdigit() or int(priority[:9]) >> 3 != 0:
        return None
    line = _ESCAPE.sub(lambda match: bytes((int(match[1], 16),)), rest.partition(b"\n")[0])
    return line.decode("utf-8", "surrogateescape")


def parse_oom_line(text: str) -> OomLine | None:
    """What a line of the kernel's log (without time and ``kernel:``) says of an OOM kill, Linux 2.6 to today.

    Only whole lines count. Names in them are chosen by users; pids stand where no name can reach.
    """
    if match := _KILLED.fullmatch(text):
        return OomLine(int(match[2]), match[3], match[1] == _CGROUP_WORDS)
    if match := _SUMMARY.fullmatch(text):
        return OomLine(int(match[3]), match[2], match[1] == "CONSTRAINT_MEMCG", True, int(match[4]),
                       _memcg(text, len(match[2]) + len(match[3]) + len(match[4])))
    if match := _CHOSEN.fullmatch(text):
        return OomLine(int(match[2]), match[3], match[1] == _CGROUP_WORDS, killed=False)
    return None


def _memcg(text: str, other_values: int) -> str | None:
    """The victim's control group: users name their own, so one whose beginning or end is ambiguous is not known:
    empty."""
    parts = text.split(_MEMCG)
    if len(parts) == 1:
        return None
    if len(parts) > 2 or text.count(",task=") > 1:
        return ""
    return parts[1][:len(parts[1]) - other_values - len(",task=,pid=,uid=")]


class KillLog:
    """Turns lines into kills: the kernel reports one kill in two or three lines, and each kill is returned once."""

    def __init__(self) -> None:
        self._told: dict[int, float] = {}
        self._chosen_in_cgroup = False

    def kills(self, lines: list[str], boottime: float) -> tuple[KernelKill, ...]:
        """The kills in these lines that were not returned in the last 10 s (CLOCK_BOOTTIME seconds)."""
        self._told = {pid: told for pid, told in self._told.items() if boottime - told < _SAME_KILL_SECONDS}
        found: dict[int, KernelKill] = {}
        for text in lines:
            line = parse_oom_line(text)
            if line is None:
                continue
            cgroup = line.cgroup or (line.killed and self._chosen_in_cgroup)
            self._chosen_in_cgroup = line.cgroup and not line.killed
            if line.killed and line.pid not in self._told:
                earlier = found.get(line.pid)
                memcg = line.memcg if earlier is None else earlier.memcg
                found[line.pid] = KernelKill(
                    line.pid, line.comm, text, boottime, cgroup or (earlier is not None and earlier.cgroup),
                    uid=line.uid if earlier is None else earlier.uid, memcg=memcg,
                    unit=None if memcg is None else units_of(memcg.encode("utf-8", "surrogateescape"))[0])
        self._told.update(dict.fromkeys(found, boottime))
        for pid in list(self._told)[:-_TOLD_KEPT]:
            del self._told[pid]
        return tuple(found.values())


class KmsgReader:
    """Reads new records of the kernel's log without ever blocking.

    ``problem`` is empty or says in words why the log is not available; then /proc/vmstat remains the back-stop.
    ``lost`` counts how often the kernel overwrote records before they were read.
    """

    def __init__(self, path: str = "/dev/kmsg", start_at_end: bool = True) -> None:
        self.path = path
        self.problem = ""
        self.lost = 0
        self._log = KillLog()
        self._fd = -1
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            if start_at_end:
                os.lseek(self._fd, 0, os.SEEK_END)
        except OSError as error:
            self._give_up(error)

    def fileno(self) -> int:
        """The descriptor, readable when there are records; −1 where the log is not available."""
        return self._fd

    def read(self, boottime: float, last_seen: Callable[[int], Process | None] = lambda pid: None,
             limit_records: int = 1024) -> tuple[KernelKill, ...]:
        """The kills reported since the last call. A burst is read in pieces of ``limit_records``, the rest next
        time."""
        lines = []
        refused = 0
        for _ in range(limit_records):
            if self._fd < 0:
                break
            try:
                record = os.read(self._fd, _BUFFER_BYTES)
            except BlockingIOError:
                break
            except OSError as error:
                refused = self._refused(error, refused)
                continue
            if not record:
                break
            if b"ill" in record and (text := parse_record(record)) is not None:
                lines.append(text)
        return tuple(replace(kill, victim=last_seen(kill.pid)) for kill in self._log.kills(lines, boottime))

    def _refused(self, error: OSError, times: int) -> int:
        """EPIPE: records were overwritten, the next reading goes on behind them; EINVAL: one did not fit."""
        if error.errno == errno.EPIPE:
            self.lost += 1
            return times
        if error.errno not in (errno.EINVAL, errno.EINTR) or times >= _GIVE_UP_AFTER:
            self._give_up(error)
        return times + 1

    def _give_up(self, error: OSError) -> None:
        self.problem = (f"the kernel's log cannot be read ({self.path}: {error.strerror}); "
                        f"OOM kills are only counted, by /proc/vmstat")
        self.close()

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1
