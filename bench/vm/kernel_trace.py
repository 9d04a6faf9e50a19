"""What the kernel itself writes down (tracefs), on the monotonic clock: signals, OOM kills, who ran or slept when.

Formats: events/*/*/format in tracefs, Documentation/trace/ftrace.rst. Names are whatever processes call themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

TRACING = "/sys/kernel/tracing"
_HEAD = r"^\s*(.+)-(\d+)\s+\[\d+\]\s+\S+\s+(\d+\.\d+): "
_SIGNAL = re.compile(_HEAD + r"signal_generate: sig=(\d+) .*? comm=(.*) pid=(\d+) grp=", re.MULTILINE)
_VICTIM = re.compile(_HEAD + r"mark_victim: pid=(\d+)", re.MULTILINE)
_WAKEUP = re.compile(_HEAD + r"sched_wakeup: comm=.* pid=(\d+) prio=", re.MULTILINE)
_SWITCH = re.compile(_HEAD + r"sched_switch: .* prev_state=(\S+) ==> ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Sent:
    """A signal: when, by whom, which, to whom."""

    at: float
    sender: str
    sender_pid: int
    number: int
    comm: str
    pid: int


def begin(events: dict[str, str], kib: int = 1024) -> None:
    """Trace these events, each with its filter, and nothing else."""
    write("tracing_on", "0")
    write("events/enable", "0")
    write("trace_clock", "mono")
    write("buffer_size_kb", str(kib))
    for event, condition in events.items():
        write(f"events/{event}/filter", condition)
        write(f"events/{event}/enable", "1")
    clear()
    write("tracing_on", "1")


def clear() -> None:
    write("trace", "")


def read() -> str:
    with open(f"{TRACING}/trace", errors="replace") as file:
        return file.read()


def write(name: str, text: str) -> None:
    with open(f"{TRACING}/{name}", "w") as file:
        file.write(text + "\n")


def signals(trace: str) -> list[Sent]:
    """Every signal, in order."""
    return [Sent(float(at), sender, int(pid), int(number), comm, int(target))
            for sender, pid, at, number, comm, target in _SIGNAL.findall(trace)]


def oom_victims(trace: str) -> list[int]:
    """The pids that the kernel's OOM killer chose, in order."""
    return [int(pid) for *_, pid in _VICTIM.findall(trace)]


def wakeups(trace: str, pid: int) -> list[float]:
    """When the process was woken."""
    return [float(at) for _, _, at, woken in _WAKEUP.findall(trace) if int(woken) == pid]


def rounds(trace: str, pid: int) -> list[float]:
    """How long each round of work of the process took, in seconds: from its wake-up out of a sleep to the next sleep.

    A sleep is what it asked for (state S). Waits for a processor or for a disk on the way are part of the round.
    """
    moments = [(at, "woken") for at in wakeups(trace, pid)]
    moments += [(float(at), "asleep") for _, who, at, state in _SWITCH.findall(trace)
                if int(who) == pid and state.startswith("S")]
    return list(_spans(sorted(moments)))


def _spans(moments: Iterable[tuple[float, str]]) -> Iterable[float]:
    """The times from the first waking after a sleep to that next sleep; wakings in between are from other waits."""
    woken: float | None = None
    slept = False
    for at, what in moments:
        if what == "woken" and slept and woken is None:
            woken = at
        elif what == "asleep":
            if woken is not None:
                yield at - woken
            woken, slept = None, True
