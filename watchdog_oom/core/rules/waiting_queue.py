"""Waiting instead of dying: in a group limited in memory or in number, a process without room waits, stopped.

The queue admits. A process that comes when there is no room for what one of its kind is known to need (the largest
seen) is stopped while it is young, before it has grown; a process that was let in runs to its end, unless the running
ones together outgrow the limit. The oldest that waits goes on first, one at a time, with a rest between. Nobody is
stopped twice within a minute, and one always goes on, since a group of which all wait makes no progress.
"""

from __future__ import annotations

from watchdog_oom import formatting
from watchdog_oom.core.condition import threshold_bytes
from watchdog_oom.core.guard import untouchable
from watchdog_oom.core.held_memory import TIGHT_SHARE, together
from watchdog_oom.core.history import Grown, Queue
from watchdog_oom.core.matching import names_target
from watchdog_oom.core.model import Process, ProcessId
from watchdog_oom.core.policy import Limit
from watchdog_oom.core.tick import Tick

REST_SECONDS = 1.0
AGAIN_SECONDS = 60.0
GROWING_SECONDS = 60.0      # one that has not grown for so long holds what it needs; on a busy host it takes its time
HALF_LIFE_SECONDS = 6 * 3600.0
GROWTH = 1.05               # by less than a twentieth is not growing
UNKNOWN_SHARE = 0.25        # of the limit: what one is taken to need before one was seen to its end
STOPPED = "T"


def apply(tick: Tick, limit: Limit, group: tuple[Process, ...], aside: frozenset[ProcessId]) -> None:
    """Let in, let wait, let go on. ``aside`` are processes that stand still for another reason."""
    queue = _Queue(tick, limit, group, aside)
    queue.learn()
    queue.send_back()
    queue.admit()
    queue.let_wait()
    tick.queues[limit.name] = queue.result()


class _Queue:
    """One limit's queue while it is decided: who runs, who waits, what each is expected to hold."""

    def __init__(self, tick: Tick, limit: Limit, group: tuple[Process, ...], aside: frozenset[ProcessId]) -> None:
        self.tick, self.limit, self.rule = tick, limit, f"limit.{limit.name}"
        self.known = tick.queues.get(limit.name, Queue())
        self.noun = tick.view.policy.processes[limit.process]
        mine = [process for process in group if process.id not in aside and self._may_wait(process)]
        ours = {process.id for process in mine}
        self.waited = {process.id for process in mine if self._waits(process)}
        self.running = [process for process in mine
                        if process.id not in self.waited and process.id in self.known.running]
        self.coming = [process for process in mine if process not in self.running]
        self.outside = [process for process in group if process.id not in ours]
        self.waiting: list[tuple[Process, str]] = []
        self.grown = {process.id: self._growth_of(process) for process in mine}
        self.stopped = {identity: at for identity, at in self.known.stopped.items() if tick.now - at < AGAIN_SECONDS}
        self.need, self.settled, self.admitted_at = self.known.need_bytes, self.known.settled, self.known.admitted_at
        self.total = None if limit.total_rss is None else threshold_bytes(tick.view, limit.total_rss)
        self.unread = ""
        if limit.total_rss is not None and self.total is None:
            self.unread = "memory could not be read"
        elif self.total is not None and not together(group, self.total * TIGHT_SHARE).known:
            self.total, self.unread = None, "what they share is not known yet"

    def _may_wait(self, process: Process) -> bool:
        stopped_by_others = process.state == STOPPED and process.id not in self.tick.frozen
        return (not stopped_by_others and process.id not in self.tick.terminations
                and untouchable(process, self.tick.view, explicit=names_target(self.noun, process)) is None)

    def _waits(self, process: Process) -> bool:
        return self.tick.frozen.get(process.id) == self.rule and process.id not in self.tick.thawing

    def _growth_of(self, process: Process) -> Grown:
        known = self.known.running.get(process.id)
        if known is None:
            return Grown(process.started_boottime, _holds(process))
        return Grown(self.tick.now, _holds(process)) if _holds(process) > known.held_bytes * GROWTH else known

    def learn(self) -> None:
        """What one of the noun needs is the largest that was seen, and slowly forgotten. Nobody is judged at first
        sight: until it runs its program, a new process holds what its parent does."""
        self.need *= 0.5 ** (max(0.0, self.tick.now - self.known.seen_at) / HALF_LIFE_SECONDS)
        self.need = max((self.need, *map(_holds, self.running)))
        self.settled = self.settled or self._one_ended() or not all(map(self._young, self.running))

    def send_back(self) -> None:
        """Those let in that must wait after all, the newest first, since what runs now is beyond the limit."""
        for process in self.running[:0:-1]:
            over_total = self.total is not None and self._held() > self.total
            if not over_total and not self._too_many(0):
                break
            if process.id not in self.stopped:
                why = self._full("they have outgrown the limit") if over_total else self._crowd()
                self.running.remove(process)
                self.waiting.append((process, why))

    def admit(self) -> None:
        """The oldest first; nobody overtakes one that waits."""
        blocked = self.waiting[0][1] if self.waiting else ""
        for process in self.coming:
            why = (blocked or self._obstacle(process)) if self.running else ""
            if why and (process.id in self.waited or process.id not in self.stopped):
                self.waiting.append((process, why))
                blocked = why
                continue
            if process.id in self.waited:
                self.admitted_at = self.tick.now
                self.grown[process.id] = Grown(self.tick.now, _holds(process))
                self.tick.thaw_reasons[process.id] = self._turn(process)
            self.running.append(process)

    def _obstacle(self, process: Process) -> str:
        """Why it cannot go on now, in words, or nothing."""
        resting = self.tick.now - self.admitted_at < REST_SECONDS
        if self._too_many(1):
            return self._crowd()
        growth = self._needs(process) - process.rss_bytes
        if self.total is not None and self._held(process) + self._still_to_come() + growth > self.total:
            return self._full(f"the next needs {formatting.size(self._needs(process))}")
        if self.unread:
            return self.unread
        room = self._host_room()
        if growth > 0 and room is not None and growth > room:
            return (f"{self._run()}, the next needs {formatting.size(growth)} more, "
                    f"{formatting.size(max(0, room))} of the host's memory are free for it")
        return f"{self._run()}, the last went on just now" if resting and process.id in self.waited else ""

    def _too_many(self, more: int) -> bool:
        counted = len(self.running) + len([p for p in self.outside if p.id not in self.tick.terminations]) + more
        return self.limit.count is not None and counted > self.limit.count

    def _needs(self, process: Process) -> float:
        """What it is expected to hold: as much as the largest of its kind, unless it has stopped growing."""
        young = process.id in self.waited or self._young(process)
        return max(_holds(process), self._known_need()) if young else process.rss_bytes

    def _known_need(self) -> float:
        if self.settled or self.total is None:
            return self.need
        return max(self.need, self.total * UNKNOWN_SHARE)

    def _one_ended(self) -> bool:
        """Whether one that ran is gone, by itself as far as is known."""
        gone = [identity for identity in self.known.running if self.tick.view.snapshot.alive(identity) is None]
        recovering = any(recovery.run is not None for recovery in self.tick.before.recoveries.values())
        return not recovering and any(identity not in self.tick.before.terminations for identity in gone)

    def _young(self, process: Process) -> bool:
        return self.tick.now - self.grown[process.id].since < GROWING_SECONDS

    def _still_to_come(self) -> float:
        """What the running ones are still expected to take."""
        return sum(max(0.0, self._needs(process) - process.rss_bytes) for process in self.running)

    def _held(self, *more: Process) -> float:
        """What those that run hold together, and whom the queue cannot stop; what they share counts once."""
        return together((*self.running, *self.outside, *more), (self.total or 0.0) * TIGHT_SHARE).bytes

    def _host_room(self) -> float | None:
        """What is free for one more before the emergency would be near; ``None``: not known."""
        memory = self.tick.view.snapshot.memory
        if memory is None:
            return None
        kept = self.tick.view.policy.emergency.memory_available_below
        whole = memory.available_bytes + memory.anonymous_bytes if kept.percent is not None else memory.total_bytes
        return memory.available_bytes - kept.of(whole) - self._still_to_come()

    def _run(self) -> str:
        return f"{len(self.running)} {'runs' if len(self.running) == 1 else 'run'}"

    def _crowd(self) -> str:
        return f"{self._run()}, limit {self.limit.count}"

    def _full(self, why: str) -> str:
        total = self.total or 0.0
        free = max(0.0, total - self._held() - self._still_to_come())
        return f"{self._run()}, {why}, {formatting.size(free)} are free of {formatting.size(total)}"

    def _turn(self, process: Process) -> str:
        if not self.running:
            return "its turn has come: one always goes on"
        return f"its turn has come: {self._run()}, it needs {formatting.size(self._needs(process))}"

    def let_wait(self) -> None:
        """A process without room is stopped, once that has been so for as long as the policy says."""
        crowded = None if self.unread else bool(self.waiting)
        ripe = self.tick.sustained(f"{self.rule} group", crowded, self.limit.for_seconds)
        for process, why in self.waiting:
            anew = process.id not in self.waited
            if anew and not ripe:
                continue
            stands = self.tick.freeze(process, self.rule, (f"waits for its turn: {why}",), noun=self.noun.name,
                                      explicit=names_target(self.noun, process), again_seconds=AGAIN_SECONDS)
            if stands and anew:
                self.stopped[process.id] = self.tick.now

    def result(self) -> Queue:
        return Queue(self.need, self.tick.now, self.settled, self.admitted_at,
                     {process.id: self.grown[process.id] for process in self.running}, self.stopped)


def _holds(process: Process) -> int:
    return process.rss_bytes + (process.swap_bytes or 0)
