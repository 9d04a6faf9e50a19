"""Who held the memory, by the report's list of processes: each name with all processes of it, and the whole."""

from __future__ import annotations

from watchdog_oom import formatting
from watchdog_oom.formatting import printable
from watchdog_oom.kernel_log.model import Event, Task
from watchdog_oom.kernel_log.zone_room import percent
from watchdog_oom.lean_dataclasses import dataclass

_MUCH_SHARED = 1.1  # more than there is: the processes share memory, which each counts as its own


@dataclass(frozen=True, slots=True)
class Holder:
    """All processes of one name. ``share`` of what all listed processes hold, in RAM and swap, 0 to 1."""

    comm: str
    uid: int | None
    count: int
    rss_bytes: int
    swap_bytes: int
    share: float
    largest: Task

    @property
    def held_bytes(self) -> int:
        return self.rss_bytes + self.swap_bytes

    @property
    def words(self) -> str:
        """``222 apache2 hold 61%: 310 MiB in RAM, 500 MiB in swap``."""
        who = f"{self.count} {printable(self.comm)} hold" if self.count > 1 \
            else f"{formatting.process_label(self.comm, self.largest.pid)} holds"
        swap = f", {formatting.size(self.swap_bytes)} in swap" if self.swap_bytes else ""
        return f"{who} {percent(self.share)}: {formatting.size(self.rss_bytes)} in RAM{swap}"


@dataclass(frozen=True, slots=True)
class Holders:
    """The names, the largest first. ``swap_told``: kernels before 3.4 do not tell what a process has in swap.
    ``shared``: the sum is more than there is."""

    groups: tuple[Holder, ...]
    processes: int
    held_bytes: int
    swap_told: bool
    shared: bool

    def of(self, comm: str) -> Holder | None:
        return next((group for group in self.groups if group.comm == comm), None)


def holders(event: Event) -> Holders:
    """Grouped by name. Threads and double rows of one process count once."""
    tasks = {task.pid: task for task in event.tasks if task.tgid is None or task.tgid == task.pid}
    strangers = {task.tgid: task for task in event.tasks if task.tgid is not None and task.tgid not in tasks}
    rows = [*tasks.values(), *strangers.values()]
    by_name: dict[str, list[Task]] = {}
    for task in rows:
        by_name.setdefault(task.comm, []).append(task)
    whole = sum(_held(task) for task in rows)
    groups = sorted((_group(comm, members, whole) for comm, members in by_name.items()),
                    key=lambda group: -group.held_bytes)
    in_ram = sum(task.rss_bytes or 0 for task in rows)
    limit = event.ram_bytes
    return Holders(tuple(groups), len(rows), whole, any(task.swap_bytes is not None for task in rows),
                   limit is not None and in_ram > _MUCH_SHARED * limit)


def _group(comm: str, members: list[Task], whole: int) -> Holder:
    rss, swap = (sum(amount or 0 for amount in amounts) for amounts in
                 ([task.rss_bytes for task in members], [task.swap_bytes for task in members]))
    uids = {task.uid for task in members}
    return Holder(comm, uids.pop() if len(uids) == 1 else None, len(members), rss, swap,
                  (rss + swap) / whole if whole else 0.0, max(members, key=_held))


def _held(task: Task) -> int:
    return (task.rss_bytes or 0) + (task.swap_bytes or 0)
