"""Runs hooks: in children with a deadline, told by an unlinked file in memory, so nothing waits for their reading.

A hook has its own session and process group, a fixed environment, no descriptors and none of the daemon's protection
(``children/spawn.py``). What it prints is read by a process of its own, so a flood takes no memory.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress

from watchdog_oom import formatting
from watchdog_oom.core.actions import Intent
from watchdog_oom.core.hook_action import HookEvent, RunHook, Victim
from watchdog_oom.core.model import Process, Snapshot
from watchdog_oom.core.outcome import EffectReport, Outcome
from watchdog_oom.host.children.descriptors import in_memory
from watchdog_oom.host.children.spawn import Child, spawn_drained
from watchdog_oom.host.children.supervisor import ChildSupervisor, Ended
from watchdog_oom.host.hooks.story import story_of
from watchdog_oom.host.services.jobs import judge_run
from watchdog_oom.host.services.program_words import with_output


class HookRunner:
    """``refuse`` says why a program must not be run, or nothing; it is asked in the child, since it reads the disk.
    Register ``fileno()`` for reading; call ``poll`` when it is, and each tick."""

    def __init__(self, refuse: Callable[[str], str]) -> None:
        self._refuse = refuse
        self._children = ChildSupervisor()
        self._within: dict[str, float] = {}
        self._last: dict[HookEvent, Child] = {}

    def fileno(self) -> int:
        return self._children.fileno()

    def warm_up(self, snapshot: Snapshot, all_facts: Callable[[Process], Process]) -> None:
        """Everything of a hook but the hook, whose effect is thrown away."""
        victims = tuple(Victim(one.id, one.comm, "TERM", "", ()) for one in list(snapshot.processes.values())[:1])
        hook = RunHook(HookEvent.BEFORE_KILL, (), 0.0, victims)
        with suppress(OSError):
            os.close(in_memory(story_of(Intent("", hook, "", ()), hook, snapshot, all_facts)))

    def start(self, intent: Intent, action: RunHook, snapshot: Snapshot,
              all_facts: Callable[[Process], Process]) -> Outcome | None:
        """Begin it; the result is a later report, unless it cannot be begun. ``all_facts`` adds to a process what can
        be had at once. Raises OSError for what the system refuses."""
        last = self._last.get(action.event)
        if last is not None and last.poll() is None:
            return Outcome(False, "not run: the one before hangs in the kernel and cannot be ended")
        told = in_memory(story_of(intent, action, snapshot, all_facts))
        try:
            child = spawn_drained(action.argv, input_fd=told, refuse=self._refuse)
        finally:
            os.close(told)
        self._last[action.event] = child
        self._within[intent.id] = action.within_seconds
        self._children.add(intent.id, child, action.within_seconds, snapshot.clock.boottime)
        return None

    def poll(self, now: float) -> tuple[EffectReport, ...]:
        """The reports of all that ended or became overdue."""
        return tuple(EffectReport(ended.key, self._outcome(ended), ended.took_seconds, now)
                     for ended in self._children.poll(now))

    def close(self) -> None:
        """The daemon ends, and with it what still runs."""
        for intent_id in self._children:
            self._children.kill(intent_id)
        self._children.close()

    def _outcome(self, ended: Ended) -> Outcome:
        within = self._within.pop(ended.key)
        if ended.exit_status is None:
            late = f"did not end within {formatting.duration(within)} and was killed"
            return Outcome(False, with_output(late, ended.text))
        return Outcome(*judge_run(ended.exit_status, ended.text))
