"""A snapshot for the child that records, as packets of plain values (marshal): only what the child has not got yet.

Whose process record is the very object that was handed over before has not changed: at most ticks that is nearly all of
them, so a tick costs a look at each. ``mirror.py`` is the other side.
"""

from __future__ import annotations

import marshal
import re
from collections.abc import Callable, Mapping
from operator import attrgetter

from watchdog_oom.core.model import Facts, Process, Snapshot
from watchdog_oom.lean_typing import Any

PROCESSES, TICK, LOOK, END = b"p", b"t", b"l", b"e"
FLAT = ("ppid", "comm", "state", "session", "tty", "threads", "rss_bytes", "started_boottime", "image", "kernel_thread",
        "swap_bytes", "oom_score_adj", "badness", "under", "reparented")
STATES = ("boot_id", "memory", "memory_problem", "pressure", "spools", "services", "lineage", "skipped")
PLAIN_FACTS = ("exe", "cmdline", "uid", "user", "unit", "host_namespaces", "exe_mounted", "user_unit")
PART_PROCESSES = 64
MOST_EVENTS = 256
_values: Callable[[Process], tuple[Any, ...]] = attrgetter("id.pid", "id.start_ticks", *FLAT)
_facts: Callable[[Facts], tuple[Any, ...]] = attrgetter(*PLAIN_FACTS)
_AS_THEY_ARE = (int, str, float, bool, type(None))

_UNSENT = object()

Send = Callable[[bytes], bool]


class Packer:
    """Hands over through ``send``, which takes a packet or refuses it."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.forget()

    def forget(self) -> None:
        """Another child, which knows nothing yet."""
        self._processes: Mapping[int, Process] = {}
        self._states: dict[str, object] = {}
        self._events: tuple[tuple[object, ...], int, tuple[object, ...]] = ((), 0, ())

    def hand_over(self, snapshot: Snapshot, *, pressing: bool, opening: bool, dropped: int) -> bool:
        """Whether the child got the whole of it. What of it was sent is not sent again; what happened is kept.
        ``dropped``: how many ticks could not be handed over right before this one."""
        kills, gaps, reports = self._events
        self._events = ((*kills, *snapshot.kernel_kills)[-MOST_EVENTS:], gaps + snapshot.kernel_log_gaps,
                        (*reports, *snapshot.reports)[-MOST_EVENTS:])
        if not self._send_processes(snapshot.processes):
            return False
        states = {name: value for name in STATES
                  if (value := getattr(snapshot, name)) != self._states.get(name, _UNSENT)}
        tick = (packed(snapshot.clock), {name: packed(value) for name, value in states.items()},
                packed(self._events), pressing, opening, dropped)
        if not self._send(TICK + marshal.dumps(tick)):
            return False
        self._states |= states
        self._events = ((), 0, ())
        return True

    def _send_processes(self, now: Mapping[int, Process]) -> bool:
        sent = self._processes
        get = sent.get
        fresh = [process for pid, process in now.items() if get(pid) is not process]
        new = sum(process.pid not in sent for process in fresh)
        gone = [pid for pid in sent if pid not in now] if len(sent) + new > len(now) else []
        for at in range(0, len(fresh) or bool(gone), PART_PROCESSES):
            part = fresh[at:at + PART_PROCESSES]
            flat = [_flat(process, get(process.pid)) for process in part]
            if not self._send(PROCESSES + marshal.dumps((gone, flat))):
                if at:
                    self._processes = {**{pid: process for pid, process in sent.items() if pid in now},
                                       **{process.pid: process for process in fresh[:at]}}
                return False
            gone = []
        self._processes = now
        return True


def _flat(process: Process, was: Process | None) -> tuple[Any, ...]:
    """Its values; its facts only where they are not those that were sent with it before."""
    same = was is not None and was.facts is process.facts
    sharing, facts = process.sharing, process.facts
    return (*_values(process), sharing and packed(sharing), None if same else (
        *_facts(facts), facts.cmdline_has and packed(facts.cmdline_has),
        facts.cmdline_lacks and packed(facts.cmdline_lacks), [str(fact) for fact in facts.asked]))


def packed(value: Any) -> Any:
    """The value as what marshal takes; what is not plain becomes a tuple that begins with its kind."""
    kind = type(value)
    if kind in _AS_THEY_ARE:
        return value
    names = getattr(kind, "__match_args__", None)
    if names:
        return (kind.__name__, *[packed(getattr(value, name)) for name in names])
    if kind in (tuple, list, frozenset):
        return (kind.__name__, *[packed(part) for part in value])
    if kind is re.Pattern:
        return ("Pattern", value.pattern, value.flags)
    if isinstance(value, Mapping):
        return ("dict", *[packed(part) for pair in value.items() for part in pair])
    return (kind.__name__, value.value)  # a StrEnum
