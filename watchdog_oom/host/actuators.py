"""All effects together: perform one intent. What is quick is done at once; what is slow is begun and reported later.

Effects never decide: what they check is only whether the target is still what the decision was about (Law 1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from watchdog_oom.core.actions import (
    Contain,
    Intent,
    Probe,
    Purge,
    Release,
    RunCommand,
    SetOomScoreAdj,
    Signal,
    SignalName,
    StartUnit,
    StopUnit,
)
from watchdog_oom.core.guard import WAYS_IN, untouchable
from watchdog_oom.core.hook_action import RunHook
from watchdog_oom.core.model import Clock, Process, Snapshot
from watchdog_oom.core.nouns import RunProbe, TcpProbe
from watchdog_oom.core.outcome import EffectReport, Outcome
from watchdog_oom.core.policy import Policy
from watchdog_oom.core.view import View
from watchdog_oom.host.processes.facts import FactReader, joined
from watchdog_oom.host.processes.oom_score_adj import set_oom_score_adj
from watchdog_oom.host.processes.procfs import read_oom_score_adj
from watchdog_oom.host.processes.release import MemoryReleaser
from watchdog_oom.host.processes.signals import PidfdSet, send
from watchdog_oom.host.purge.jobs import PurgeJobs, PurgeNote
from watchdog_oom.host.services.jobs import Jobs
from watchdog_oom.host.services.manager import ServiceManager
from watchdog_oom.host.services.tcp_probe import TcpProbes
from watchdog_oom.lean_dataclasses import replace
from watchdog_oom.lean_typing import TYPE_CHECKING, assert_never

if TYPE_CHECKING:
    from watchdog_oom.host.hooks.runner import HookRunner


class Actuators:
    """Performs intents; ``filenos`` become readable when something slow has ended, or a signalled process has."""

    def __init__(self, proc: str, manager: ServiceManager, facts: FactReader, *, output_dir: str | None = None,
                 hooks: HookRunner | None = None) -> None:
        self._proc = proc
        self._facts = facts
        self._jobs = Jobs(manager, output_dir=output_dir)
        self._hooks = hooks
        self._probes = TcpProbes()
        self._purges = PurgeJobs(proc)
        self._dying = PidfdSet()
        self._releaser = MemoryReleaser()

    def filenos(self) -> tuple[int, ...]:
        hooks = () if self._hooks is None else (self._hooks.fileno(),)
        return (self._jobs.fileno(), self._probes.fileno(), self._purges.fileno(), self._dying.fileno(),
                self._releaser.fileno(), *hooks)

    @property
    def busy(self) -> bool:
        return bool(self._jobs.running)

    @property
    def purging(self) -> dict[str, str]:
        """The paths of the spools, by name, with a purge under way."""
        return self._purges.purging

    def perform(self, intent: Intent, snapshot: Snapshot, policy: Policy) -> Outcome | None:
        """Do it, or begin it (``None``: the end is told by a later ``reports``). Raises nothing for what the system
        refuses: that is an outcome."""
        try:
            return self._perform(intent, snapshot, policy)
        except OSError as error:
            return Outcome(False, f"it could not be done: {error.strerror}")

    def _perform(self, intent: Intent, snapshot: Snapshot, policy: Policy) -> Outcome | None:
        now = snapshot.clock.boottime
        action = intent.action
        match action:
            case Signal():
                return self._signal(action, snapshot, policy)
            case SetOomScoreAdj():
                return set_oom_score_adj(action, self._still(action, snapshot, policy), root=self._proc)
            case StopUnit() | StartUnit() | RunCommand() | Contain() | Release():
                self._jobs.start(intent.id, action, now, incident=intent.incident or "")
            case Purge():
                self._purges.start(intent.id, policy.spools[action.spool], action.limit, snapshot.clock,
                                   action.within_seconds, gently=action.gently)
            case Probe():
                self._probe(intent.id, policy, action.service, now)
            case RunHook():
                return self._run_hook(intent, action, snapshot)
            case _:
                assert_never(action)
        return None

    def warm_up(self, snapshot: Snapshot) -> None:
        """So that nothing of what an emergency needs is done for the first time in it (Law 11)."""
        if self._hooks is not None:
            self._hooks.warm_up(snapshot, self._facts.everything)

    def reports(self, now: float) -> tuple[EffectReport, ...]:
        """The slow effects that ended since the last call."""
        self._dying.ended()
        self._releaser.poll()
        hooks = () if self._hooks is None else self._hooks.poll(now)
        return (*self._jobs.poll(now), *hooks, *self._probes.poll(now), *self._purges.poll(now))

    def news(self) -> tuple[PurgeNote, ...]:
        """What purges did after their spool was cleared."""
        return self._purges.news()

    def halt_purges(self, reasons: Mapping[str, str], now: float) -> None:
        """End the gentle purges of these spools; the report follows."""
        self._purges.halt(reasons, now)

    def inherit_purges(self, paths: Mapping[str, str]) -> None:
        """The paths, by name, of spools whose purge was cut short with the daemon before."""
        self._purges.inherit(paths)

    def left_by_purges(self, policy: Policy, clock: Clock) -> tuple[str, ...]:
        """The spools in whose trash something was found that no purge is settling."""
        return self._purges.left_behind(policy.spools, clock)

    @property
    def trash(self) -> dict[str, dict[str, int]]:
        """By spool, in how many directories how many entries purges have left to be deleted."""
        return {name: left.to_plain() for name, left in self._purges.remaining.items()}

    def close(self) -> None:
        for part in (self._jobs, self._hooks, self._probes, self._purges, self._dying, self._releaser):
            if part is not None:
                part.close()

    def _signal(self, action: Signal, snapshot: Snapshot, policy: Policy) -> Outcome:
        sent = send(action, self._still(action, snapshot, policy), root=self._proc)
        if sent.pidfd is not None:
            if action.signal is SignalName.KILL:
                self._releaser.release(action.target, sent.pidfd)
            self._dying.add(action.target, sent.pidfd)
        return sent.outcome

    def _still(self, action: Signal | SetOomScoreAdj, snapshot: Snapshot, policy: Policy) -> Callable[[Process], bool]:
        """The last look: the same process still matches its noun, and nothing protects it (Laws 1 and 2)."""
        def still(fresh: Process) -> bool:
            seen = snapshot.processes.get(fresh.pid)
            if seen is None:
                return False
            # An exiting process no longer shows its executable; what was known of the same process stays true.
            complete = (replace(fresh, facts=seen.facts) if fresh.image == 0
                        else self._facts.complete(fresh, (*policy.processes.values(), *WAYS_IN))[0])
            if fresh.image == seen.image:
                complete = replace(complete, facts=joined(complete.facts, seen.facts))
            now = replace(complete, under=seen.under, reparented=seen.reparented or fresh.ppid != seen.ppid,
                          oom_score_adj=read_oom_score_adj(self._proc, fresh.pid))
            view = View(replace(snapshot, processes={**snapshot.processes, fresh.pid: now}), policy)
            noun = policy.processes.get(action.noun) if action.noun is not None else None
            chosen = isinstance(action, Signal) and action.signal is SignalName.KILL
            if action.noun is not None and (noun is None or not view.matches(noun, now, chosen=chosen)):
                return False  # a noun that has left the policy matches nobody
            if isinstance(action, SetOomScoreAdj) or action.signal is SignalName.CONT:
                return True
            return untouchable(now, view, explicit=action.explicit) is None
        return still

    def _run_hook(self, intent: Intent, action: RunHook, snapshot: Snapshot) -> Outcome | None:
        """The facts at hand where it is urgent: reading more could stall."""
        if self._hooks is None:
            return Outcome(False, "not run: there are no hooks any more")
        return self._hooks.start(intent, action, snapshot, (lambda p: p) if intent.urgent else self._facts.everything)

    def _probe(self, intent_id: str, policy: Policy, service: str, now: float) -> None:
        match policy.services[service].probe:
            case TcpProbe() as probe:
                self._probes.start(intent_id, probe, now)
            case RunProbe() as probe:
                self._jobs.start(intent_id, probe, now)
            case None:
                raise AssertionError(f"{service} has no probe, and none is planned for it")
