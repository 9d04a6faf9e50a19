"""Which lines belong to one report, and when it is at its end.

The kernel prints a report in a fixed order, so a line that belongs before what was read begins another one. Reports of
several hosts, of callers that printk names, and of times that lie apart, may be mixed line by line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from watchdog_oom.kernel_log import groups, invocation, kills, tasks, totals, zones
from watchdog_oom.kernel_log.build import event_of
from watchdog_oom.kernel_log.draft import Draft
from watchdog_oom.kernel_log.line import Line
from watchdog_oom.kernel_log.model import Event, Stamp

_OPEN = 4  # reports of one host that may be mixed
_HOSTS = 16
_FADES_AFTER_LINES = 600
_FADES_AFTER_SECONDS = 900.0
_TOGETHER_SECONDS = 10.0  # kills without reports so near to each other are one event

_Take = Callable[[Draft, Line], None]
_TAKERS: dict[str, tuple[int, _Take]] = {  # the phase of a kind of line, and who reads it
    "invoker": (0, invocation.take_invoker), "failed": (0, invocation.take_failed), "sysrq": (0, kills.take_sysrq),
    "cpuset": (1, invocation.take_cpuset), "process": (2, invocation.take_process), "trace": (3, invocation.take_trace),
    "limit_of": (4, groups.take_limit_of), "limit": (4, groups.take_limit), "group_stats": (4, groups.take_stats),
    "group_stat": (4, groups.take_stat), "counters": (5, totals.take_counters), "counter": (5, totals.take_counters),
    "node": (6, zones.take_node),
    "zone": (6, zones.take_zone), "reserve": (6, zones.take_reserve), "free_list": (6, zones.take_free_list),
    "huge": (6, zones.take_huge), "total": (6, totals.take_total), "swap": (6, totals.take_swap),
    "slabs": (7, totals.take_slabs), "slab": (7, totals.take_slab), "tasks": (8, tasks.take_tasks),
    "columns": (8, tasks.take_columns), "task": (8, tasks.take_task), "summary": (9, kills.take_summary),
    "chosen": (10, kills.take_chosen), "killed": (11, kills.take_killed), "no_killable": (11, kills.take_no_killable),
    "group_kill": (12, kills.take_group_kill), "panic": (13, kills.take_panic), "reaped": (13, kills.take_reaped),
    "suppressed": (0, kills.take_suppressed),
    "meminfo": (5, lambda draft, line: None), "other_cause": (0, lambda draft, line: None),
}
_REPORTED = 9  # from this phase on the report itself is behind
_NEVER_BEGIN = frozenset({"trace", "group_stat", "slab", "cpuset", "counter", "suppressed"})


class Assembly:
    """Takes lines, gives events in the order in which they began."""

    def __init__(self) -> None:
        self._open: dict[str, list[Draft]] = {}
        self._kernels: dict[str, str] = {}
        self._done: list[Draft] = []
        self._ended = False  # since it was last asked for events

    def take(self, kind: str, line: Line) -> None:
        """One line of a report."""
        taker = _TAKERS.get(kind)
        if taker is None:
            return
        drafts = self._open.get(line.host, [])
        draft = _nearest(drafts, kind, line)
        if draft is None or _begins(draft, kind, line):
            if kind in _NEVER_BEGIN:
                return
            self._fade(line.number)
            drafts = self._of_host(line.host)
            draft = Draft(line, line, caller=line.caller, boot=line.boot, kernel=self._kernels.get(line.host))
            drafts.append(draft)
        phase, take = taker
        if not _is_for(draft, kind, phase):
            return
        draft.phase = max(draft.phase, phase)
        draft.last, draft.boot = line, line.boot if line.boot is not None else draft.boot
        draft.other_cause |= kind == "other_cause"
        draft.meminfo_lines += kind == "meminfo"
        if kind != "group_stat":
            draft.open_stats = None
        draft.rows_cut, draft.row_cut = draft.rows_cut + draft.row_cut, False
        take(draft, line)
        if draft.kernel:
            self._kernels[line.host] = draft.kernel
        self._end_old(drafts)

    def boot(self, line: Line, kernel: str) -> None:
        """``Linux version …``: what was open is behind; later reports are of this kernel."""
        self._end_all(line.host)
        self._of_host(line.host)
        self._kernels[line.host] = kernel

    def events(self) -> Iterator[Event]:
        """Those that are at their end, and that no older one is open beside."""
        if not self._ended:
            return
        self._ended = False
        oldest = min((draft.first.number for drafts in self._open.values() for draft in drafts), default=None)
        self._done.sort(key=lambda draft: draft.first.number)
        while self._done and (oldest is None or self._done[0].first.number <= oldest):
            event = event_of(self._done.pop(0))
            if event is not None:
                yield event

    def end(self) -> Iterator[Event]:
        """The rest, when the log is at its end."""
        for host in [*self._open]:
            self._end_all(host)
        yield from self.events()

    def _of_host(self, host: str) -> list[Draft]:
        if host not in self._open and len(self._open) >= _HOSTS:
            first = next(iter(self._open))
            self._end_all(first)
            self._kernels.pop(first, None)
        return self._open.setdefault(host, [])

    def _fade(self, number: int) -> None:
        """Reports, of whatever host, that got no line for long are at their end."""
        for drafts in self._open.values():
            self._end(drafts, [draft for draft in drafts if number - draft.last.number > _FADES_AFTER_LINES])

    def _end_old(self, drafts: list[Draft]) -> None:
        """Only the newest, and those that may be told from it by their time, stay open."""
        if len(drafts) > 1:
            timeless = [draft for draft in drafts[:-1] if draft.boot is None or drafts[-1].boot is None]
            self._end(drafts, timeless)
            self._end(drafts, drafts[:-_OPEN])

    def _end_all(self, host: str) -> None:
        self._done.extend(self._open.pop(host, []))
        self._ended = True

    def _end(self, drafts: list[Draft], ended: list[Draft]) -> None:
        if not ended:
            return
        self._ended = True
        self._done.extend(ended)
        drafts[:] = [draft for draft in drafts if not any(draft is other for other in ended)]


def _is_for(draft: Draft, kind: str, phase: int) -> bool:
    """Whether a line that anybody may have written is of this report, by the place where it stands."""
    if kind == "group_stat":
        return draft.open_stats is not None
    if kind == "slab":
        return draft.in_slabs
    if kind == "counter":
        return draft.phase == phase
    return kind not in ("trace", "process") or phase >= draft.phase or draft.panic is not None


def _nearest(drafts: list[Draft], kind: str, line: Line) -> Draft | None:
    """The open report that a line belongs to by its caller, else by its time since boot, else the newest."""
    if not drafts:
        return None
    if kind == "reaped":
        pid = line.text.partition("process ")[2].partition(" ")[0]
        return next((draft for draft in reversed(drafts)
                     if any(str(kill.pid) == pid for kill in draft.kills)), drafts[-1])
    boot = line.boot
    candidates = drafts
    if line.caller:
        candidates = [draft for draft in drafts if draft.caller in (line.caller, "")]
    if len(candidates) > 1 and boot is not None:
        return min(reversed(candidates), key=lambda draft: abs((draft.boot or 0.0) - boot))
    return candidates[-1] if candidates else None


def _begins(draft: Draft, kind: str, line: Line) -> bool:
    """Whether the line begins another report than this one."""
    if kind in _NEVER_BEGIN or kind in ("reaped", "group_kill"):
        return False
    if _apart(draft, line) > _FADES_AFTER_SECONDS:
        return True
    if kind == "invoker":
        return draft.phase > 0 or draft.invoker is not None or bool(draft.failed)
    if kind in ("sysrq", "other_cause"):
        return True
    if kind == "failed":
        return draft.phase > 0 or not draft.failed
    if kind == "process":
        return draft.phase >= _REPORTED and (draft.panic is None or draft.process is not None)
    if kind in ("killed", "chosen", "summary", "no_killable", "panic"):
        return _begins_by_its_end(draft, kind, line)
    return draft.phase >= _REPORTED or (kind == "meminfo" and draft.meminfo_lines > 0) \
        or (kind == "limit_of" and draft.task_group is not None) or (kind == "columns" and draft.columns != ())


def _begins_by_its_end(draft: Draft, kind: str, line: Line) -> bool:
    """A kill that has no report of its own in the log."""
    if kind == "summary":
        return draft.summary is not None or bool(draft.kills)
    if kind == "chosen":
        return bool(draft.kills or draft.chosen)
    if kind in ("no_killable", "panic"):
        return bool(draft.kills) or draft.panic is not None
    if not draft.kills or draft.group_kill is not None:
        return False
    if _apart(draft, line) > _TOGETHER_SECONDS:
        return True
    without_words = line.text.startswith(("Killed process", "Kill process", "Task ", "VM:"))
    return not without_words and (draft.zones != {} or draft.invoker is not None or draft.limits != [])


def _apart(draft: Draft, line: Line) -> float:
    """Seconds from the last line of the report to this one; none where no clock tells."""
    if line.boot is not None and draft.boot is not None:
        return abs(line.boot - draft.boot)
    here, there = line.stamp, draft.last.stamp
    return abs(_seconds(here) - _seconds(there)) if here and there and here.clock == there.clock else 0.0


def _seconds(stamp: Stamp) -> float:
    return stamp.seconds or 0.0
