"""Killers in user space: systemd-oomd, earlyoom and nohang, whose reports are lines of their own log."""

from __future__ import annotations

import re
from collections.abc import Iterator

from watchdog_oom.kernel_log.line import Line
from watchdog_oom.kernel_log.model import ControlGroup, Event, Kill, KillReason

_MIB = 1 << 20
_PERCENT = r"(\d{1,3}(?:\.\d+)?) ?%"
_OOMD_KILLED = re.compile(r"(?:Killed|Tried to kill|Marked) (/\S*) (?:for killing )?due to (.*)")
_OOMD_SWAP = re.compile(rf"memory used .*swap used .*(?:being more|more) than {_PERCENT}")
_OF = r"used \((\d{1,18})\) / total \((\d{1,18})\)"
_OOMD_USED = re.compile(rf"memory {_OF} and swap {_OF}")
_OOMD_PRESSURE = re.compile(rf"memory pressure for (/\S*) being {_PERCENT}")
_EARLYOOM_AVAILABLE = re.compile(rf"mem avail: *\d+(?: of *(\d+))? MiB \( *{_PERCENT}\), "
                                 rf"swap free: *\d+(?: of *(\d+))? MiB \( *{_PERCENT}\)")
_EARLYOOM_LOW = re.compile(r"[Ll]ow memory! at or below SIG(?:TERM|KILL) limits", re.IGNORECASE)
_EARLYOOM_KILL = re.compile(r'[Ss]ending SIG(TERM|KILL) to process (\d{1,10})(?: uid (\d+))? "(.{0,64})"'
                            r"(?:: ((?:badness|oom_score) .*))?$")
_EARLYOOM_OLD = re.compile(r"[Kk]illing process:? (\d{1,10}),? (?:name: )?\(?\"?([^\",()]{1,64})\"?\)?(?:,.*)?$")
_VMRSS = re.compile(r"VmRSS:? *(\d+) MiB")
_SCORE_ADJ = re.compile(r"oom_score_adj:? *(-?\d+)")
_NOHANG_MEMORY = re.compile(rf"MemAvailable \[(\d+) MiB, {_PERCENT}\] <=")
_NOHANG_SWAP = re.compile(rf"SwapFree \[(\d+) MiB, {_PERCENT}\] <=")
_NOHANG_VICTIM = re.compile(r"Victim status|Found a victim|Victim information")
_NOHANG_FIELD = re.compile(r"(Name|PID|EUID|UID|VmRSS|badness|CGroup_v2|Cmdline): *(\S.*)?$")
_NOHANG_SPLIT = re.compile(r"\(Anon: (\d+) MiB, File: (\d+) MiB, Shmem: (\d+) MiB\)")
_NOHANG_SIGNAL = re.compile(r"[Ss]ending SIG(TERM|KILL) to (?:the )?victim")
_NOT_TOLD_LINES = 60  # a victim of nohang whose end is not told after so many lines


class Killers:
    """Takes lines, gives one event for each signal sent."""

    def __init__(self) -> None:
        self._pressure: KillReason | None = None
        self._first = 0
        self._victim: dict[str, str] | None = None
        self._victim_line: Line | None = None

    def take(self, line: Line) -> Event | None:
        """The event that this line ends, if any."""
        text = line.text
        if "due to " in text and (oomd := _OOMD_KILLED.match(text)):
            return self._oomd(line, oomd)
        if (self._victim is not None or "[" in text or "ictim" in text) and (event := self._nohang(line)):
            return event
        if "mem avail" in text or "emory!" in text:
            self._earlyoom_state(line)
        elif kill := _EARLYOOM_KILL.match(text):
            return self._earlyoom(line, kill[1], kill[2], kill[3], kill[4], kill[5] or "")
        elif line.tag == "earlyoom" and (old := _EARLYOOM_OLD.match(text)):
            return self._earlyoom(line, "KILL", old[1], None, old[2], "")
        return None

    def end(self) -> Iterator[Event]:
        """What is held when the log is at its end."""
        if self._victim is not None and (event := self._end_of_victim(None)):
            yield event

    def _oomd(self, line: Line, found: re.Match[str]) -> Event:
        pressure = _OOMD_PRESSURE.search(found[2])
        said = _oomd_used(line.text) or KillReason("systemd-oomd", line.text,
                                                 pressure_percent=float(pressure[2]) if pressure else None)
        kill = Kill(None, found[1].rpartition("/")[2], time=line.stamp, words="systemd-oomd", cgroup=True,
                    control_group=found[1])
        group = ControlGroup(pressure[1] if pressure else found[1], found[1], version=2)
        return _event(line, line.number, said, kill, group)

    def _earlyoom_state(self, line: Line) -> None:
        if found := _EARLYOOM_AVAILABLE.search(line.text):
            self._pressure = KillReason("earlyoom", line.text, float(found[2]), float(found[4]), None,
                                      int(found[1]) * _MIB if found[1] else None,
                                      int(found[3]) * _MIB if found[3] else None)
            self._first = line.number
        elif _EARLYOOM_LOW.search(line.text) and self._pressure is None:
            self._pressure = KillReason("earlyoom", line.text)
            self._first = line.number

    def _earlyoom(self, line: Line, signal: str, pid: str, uid: str | None, comm: str, rest: str) -> Event:
        said = self._pressure or KillReason("earlyoom", line.text)
        first = self._first if self._pressure and line.number - self._first < 100 else line.number
        rss, adj = _VMRSS.search(rest), _SCORE_ADJ.search(rest)
        kill = Kill(int(pid), comm, int(uid) if uid else None, rss_bytes=int(rss[1]) * _MIB if rss else None,
                    oom_score_adj=int(adj[1]) if adj else None, time=line.stamp, words="earlyoom",
                    signal=f"SIG{signal}")
        self._pressure = None
        return _event(line, first, said, kill, None)

    def _nohang(self, line: Line) -> Event | None:
        memory, swap = _NOHANG_MEMORY.search(line.text), _NOHANG_SWAP.search(line.text)
        if memory or swap:
            event = self._end_of_victim(None) if self._victim is not None else None
            self._nohang_state(line, memory, swap)
            return event
        if _NOHANG_VICTIM.match(line.text):
            self._victim, self._victim_line = {}, line
            return None
        if self._victim is None or self._victim_line is None:
            return None
        if field := _NOHANG_FIELD.match(line.text):
            self._victim[field[1]] = (field[2] or "").strip()
        elif signal := _NOHANG_SIGNAL.search(line.text):
            return self._end_of_victim(f"SIG{signal[1]}")
        elif line.number - self._victim_line.number > _NOT_TOLD_LINES:
            return self._end_of_victim(None)
        return None

    def _nohang_state(self, line: Line, memory: re.Match[str] | None, swap: re.Match[str] | None) -> None:
        before = self._pressure if self._pressure is not None and self._pressure.by == "nohang" else None
        self._first = self._first if before else line.number
        self._pressure = KillReason(
            "nohang", f"{before.words}; {line.text}" if before and len(before.words) < 400 else line.text,
            float(memory[2]) if memory else before.memory_available_percent if before else None,
            float(swap[2]) if swap else before.swap_free_percent if before else None)

    def _end_of_victim(self, signal: str | None) -> Event | None:
        victim, line = self._victim, self._victim_line
        self._victim = self._victim_line = None
        if not victim or line is None:
            return None
        said = self._pressure or KillReason("nohang", line.text)
        first = self._first if self._pressure else line.number
        self._pressure = None
        rss = re.match(r"(\d+) MiB", victim.get("VmRSS", ""))
        split = _NOHANG_SPLIT.search(victim.get("VmRSS", ""))
        adj = _SCORE_ADJ.search(victim.get("badness", ""))
        anon, file, shmem = (int(number) * _MIB for number in split.groups()) if split else (None, None, None)
        kill = Kill(_whole(victim.get("PID")), victim.get("Name", ""), _whole(victim.get("EUID") or victim.get("UID")),
                    None, anon, file, shmem, int(rss[1]) * _MIB if rss else None,
                    oom_score_adj=int(adj[1]) if adj else None, time=line.stamp, words="nohang",
                    signal=signal or "SIGTERM", control_group=victim.get("CGroup_v2"))
        return _event(line, first, said, kill, None)


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() else None


def _oomd_used(text: str) -> KillReason | None:
    """``memory used (N) / total (N) and swap used (N) / total (N) being more than 90.00%``; older: that alone."""
    if used := _OOMD_USED.search(text):
        memory, ram, swap, all_swap = map(int, used.groups())
        return KillReason("systemd-oomd", text, _left_percent(memory, ram), _left_percent(swap, all_swap), None, ram,
                        all_swap)
    share = _OOMD_SWAP.search(text)
    return KillReason("systemd-oomd", text, swap_free_percent=100.0 - float(share[1])) if share else None


def _left_percent(used: int, whole: int) -> float:
    return max(0.0, 100.0 * (whole - used) / whole) if whole else 0.0


def _event(line: Line, first: int, said: KillReason, kill: Kill, group: ControlGroup | None) -> Event:
    return Event(line.stamp, "userspace", first, line.number, cgroup=group, kills=(kill,), pressure=said,
                 parts=frozenset({"kill"}))
