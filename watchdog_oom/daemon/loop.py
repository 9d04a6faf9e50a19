"""watchdog-oomd: the loop. Sense, decide, write down, act; nothing waits inside a tick."""

from __future__ import annotations

import time
from collections.abc import Callable

from watchdog_oom.core.actions import Plan, Purge
from watchdog_oom.core.decide import decide, remembered
from watchdog_oom.core.guard import Budget
from watchdog_oom.core.history import History
from watchdog_oom.core.hook_state import Hooks
from watchdog_oom.core.model import Snapshot
from watchdog_oom.core.poll_interval import pause_seconds
from watchdog_oom.core.shortage import imminent
from watchdog_oom.daemon import state_file
from watchdog_oom.daemon.audit import AuditTrail, open_journal
from watchdog_oom.daemon.config import Config, build_config
from watchdog_oom.daemon.control.desk import ControlDesk
from watchdog_oom.daemon.crash_recovery import finish_purges, inherit
from watchdog_oom.daemon.flight.recorder import FlightRecorder
from watchdog_oom.daemon.kernel_kill_news import KernelKillNews
from watchdog_oom.daemon.options import Options
from watchdog_oom.daemon.own_directories import group_writable_log, own_directory
from watchdog_oom.daemon.own_lock import OwnLock
from watchdog_oom.daemon.performer import Performer
from watchdog_oom.daemon.policy_store import PolicyStore
from watchdog_oom.daemon.reporter import Reporter
from watchdog_oom.daemon.sd_notify import SdNotifier
from watchdog_oom.daemon.self_protection import missing_capabilities, protect_itself
from watchdog_oom.daemon.signals import SignalInbox, Stopping
from watchdog_oom.daemon.status_file import Health
from watchdog_oom.daemon.wait import LoopWait
from watchdog_oom.errors import WatchdogError, place_of
from watchdog_oom.host.actuators import Actuators
from watchdog_oom.host.sensors import Sensors
from watchdog_oom.host.services.choose import choose_manager
from watchdog_oom.journal.record import Kind, Record
from watchdog_oom.journal.unfinished import read_unfinished
from watchdog_oom.lean_dataclasses import replace
from watchdog_oom.lean_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watchdog_oom.host.hooks.runner import HookRunner

BUSY_PAUSE_SECONDS = 0.25
CALM_SECONDS = 2.0
MOST_FAILING_TICKS = 10


class Daemon:
    """One life of the daemon, from the lock to the last record."""

    def __init__(self, options: Options) -> None:
        own_directory(options.runtime, "runtime", 0o755)
        self.options = options
        self.lock = OwnLock(options.runtime)
        own_directory(options.state, "state")
        own_directory(options.log, "log")
        self.health = Health(started_wall=time.time(), observe=options.observe)
        self.notifier = SdNotifier()
        self.policy_store = PolicyStore(options.policies, options.config, options.state, observe=options.observe)
        self.config = build_config(self.policy_store.config)
        self.budget = Budget(self.config.kills_per_minute, self.config.purge_entries)
        manager = choose_manager(self.config.service_manager, init_dir=self.config.init_dir)
        self.sensors = Sensors(options.proc, manager)
        self.actuators = Actuators(options.proc, manager, self.sensors.processes.facts, output_dir=options.state,
                                   hooks=_hook_runner(self.config))
        self.journal = open_journal(options.log, self.sensors.boot_id, self.config)
        self.audit_trail = AuditTrail(self._write, self.journal.queue, self.sensors.processes.facts.everything)
        self.control = ControlDesk(options, self.sensors.processes.facts.user_name, self._write)
        self.performer = Performer(self.sensors, self.actuators, self.audit_trail, observe=options.observe)
        self.flight = FlightRecorder(options.log, options.proc, self.config, self._write)
        self.health.recorder = self.flight.status
        self.kernel_kills = KernelKillNews(self._write)
        self.reporter = Reporter(options, self.health, self.notifier)
        self.wakeups = SignalInbox()
        self.plan = Plan()
        self.history = History(run_id=f"{int(self.health.started_wall):x}", hooks=Hooks(self.config.hooks))
        self._failing = 0
        self._imminent = False
        self._stopping = Stopping()

    def run(self) -> None:
        """From start to stop; returns when everything is given back."""
        self._get_ready()
        waiting = LoopWait((*self.sensors.filenos(), *self.actuators.filenos(), *self.control.filenos(),
                             self.wakeups.fileno()),
                          lambda: self.sensors.emergency_is_met(self.policy_store.policy.emergency))
        due = time.monotonic()
        while not self.history.finished:
            waiting.until(self._stopping.sooner(due), glancing=self._imminent)
            self._take_requests()
            if self._stopping.cut_short(time.monotonic()):
                break
            pause = self._survive(self._tick)
            self.reporter.lateness(time.monotonic() - due, self._write)
            due = time.monotonic() + pause
        waiting.close()
        self._finish()

    def _get_ready(self) -> None:
        """Warm up every path, lock the memory, then say READY; only from then on anything is done (Law 11)."""
        state = state_file.restore(self.options.state, self.sensors.boot_id, self.history)
        self.history = state.history
        policy = self.policy_store.policy
        self.flight.start(time.clock_gettime(time.CLOCK_BOOTTIME))
        for _ in range(2):
            snapshot = self.sensors.look(policy, self.plan.watch, ())
            decide(snapshot, policy, self.history, self.budget)
            self.control.warm_up(snapshot.clock, policy, self.history)
            self.actuators.warm_up(snapshot)
            self.flight.alert(self.plan, self.history, self.history, snapshot)
            self.flight.take(snapshot, policy.emergency, self.history)
            self.sensors.settle()
        inherited = inherit(state, read_unfinished(self.options.log, self.sensors.boot_id), policy, snapshot)
        self.health.troubles = (*missing_capabilities(self.options.proc), *self.sensors.troubles(),
                                *protect_itself(self.options.proc), *group_writable_log(self.options.log),
                                *filter(None, (state.problem, self.control.trouble)), *self.config.doubts)
        self.reporter.started(self.policy_store, state.problem, snapshot, self._write)
        self.policy_store.tell(self._write)
        for record in inherited.records:
            self._write(record)
        self.history = inherited.history
        self.actuators.inherit_purges(inherited.purges)
        self.reporter.tell(snapshot, self.policy_store, self.history, self.journal, self.budget, self._write)
        self.notifier.ready()

    def _survive(self, tick: Callable[[], float]) -> float:
        """A mistake of ours in one tick is told and does not end the watch; only ten in a row do, for a fresh start."""
        try:
            pause = tick()
        except Exception as error:  # noqa: BLE001 - whatever it is, the host must not be left unwatched
            self.health.failed_ticks += 1
            self._failing += 1
            where = place_of(error)
            told = f"a tick failed, the next one follows: {type(error).__name__}: {error}"
            self._write(Record(Kind.INCIDENT, rule="daemon", because=(where,), result=told))
            if self._failing >= MOST_FAILING_TICKS:
                raise WatchdogError(f"{self._failing} ticks in a row failed, the last at {where}: {error}") from None
            return self.config.tick_slowest_seconds
        self._failing = 0
        return pause

    def _tick(self) -> float:
        """One look, one decision, its effects; how long to sleep afterwards, in seconds."""
        policy = self.policy_store.policy
        reports = self.performer.reports(time.clock_gettime(time.CLOCK_BOOTTIME))
        snapshot = self.sensors.look(policy, self.plan.watch, reports)
        self.history = self.control.attend(snapshot.clock, policy, self.history)
        self.plan, after = decide(snapshot, policy, self.history, self.budget)
        self.flight.alert(self.plan, self.history, after, snapshot)
        self.history = after
        self._perform(self.plan, remembered(snapshot, self.history))
        self.flight.take(snapshot, policy.emergency, self.history)
        self.kernel_kills.tell(snapshot.kernel_kills, snapshot.clock.boottime)
        self.control.tell(self.plan, self.history)
        self._finish_purges(snapshot)
        self.health.ticks += 1
        self._remember(snapshot)
        self.notifier.alive()
        self._imminent = snapshot.memory is not None and imminent(snapshot.memory, policy.emergency)
        return self._pause(snapshot)

    def _perform(self, plan: Plan, snapshot: Snapshot) -> None:
        self.performer.perform(plan, snapshot, self.policy_store.policy, lambda: self._settle(plan))

    def _settle(self, plan: Plan) -> None:
        """Before what may wait: the journal is on the disk, and so is what the acts of this plan will owe."""
        if not self._pressed():
            self.journal.flush()
            self._save(plan)

    def _save(self, plan: Plan, *, complete: bool = False) -> None:
        """What the acts of this plan will owe, before they are done."""
        spools = self.policy_store.policy.spools
        begun = {i.action.spool: spools[i.action.spool].path for i in plan.intents if isinstance(i.action, Purge)}
        purging = self.actuators.purging | begun
        self.reporter.save(state_file.to_plain(self.sensors.boot_id, self.history, purging, complete=complete),
                           self._write)

    def _finish_purges(self, snapshot: Snapshot) -> None:
        """What purges left in their trash is finished when nothing presses."""
        if self._pressed() or self.history.stopping:
            return
        left = self.actuators.left_by_purges(self.policy_store.policy, snapshot.clock)
        self.health.trash = self.actuators.trash
        if left and not self.options.observe:
            self._perform(Plan(intents=finish_purges(left, f"{self.history.run_id}-{self.health.ticks}")), snapshot)

    def _take_requests(self) -> None:
        """Signals and policy files since the last tick."""
        asked = self.wakeups.take()
        if asked.stop and self._stopping.ask(time.monotonic()):
            self.notifier.stopping()
            self.history = replace(self.history, stopping=True)
        if asked.reload or self.control.take_reload():
            self.notifier.reloading()
            self.policy_store.reload()
        recovering = any(state.run is not None for state in self.history.recoveries.values())
        if self.policy_store.poll(hold=recovering or self.history.stopping or self._pressed()):
            self.policy_store.tell(self._write)
            self.control.reloaded(self.policy_store.faults, self.policy_store.notes)
            self.notifier.ready()
            self.reporter.status_is_due()

    def _remember(self, snapshot: Snapshot) -> None:
        """What changed, for whoever looks; what the next life needs was saved before the acts."""
        if self._pressed():
            return
        if self.plan.intents or self.plan.notes or self.plan.refusals or self.control.obeyed:
            self.reporter.status_is_due()
        self.reporter.tell(snapshot, self.policy_store, self.history, self.journal, self.budget, self._write)

    def _pressed(self) -> bool:
        """An emergency, and an act of it just now: the next may follow at once and must not wait for a disk (Law 8)."""
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        return self.history.emergency is not None and now - self.performer.urgent_at < CALM_SECONDS

    def _write(self, record: Record) -> None:
        """Into the journal; in the middle of an emergency only into its queue."""
        (self.journal.queue if self._pressed() else self.journal.append)(record)

    def _pause(self, snapshot: Snapshot) -> float:
        """Sleep long while nothing presses, and briefly while a recovery or an ending waits for the next look."""
        pause = pause_seconds(snapshot.memory, self.policy_store.policy.emergency,
                              fastest=self.config.tick_fastest_seconds, slowest=self.config.tick_slowest_seconds)
        waiting = self.plan.watch.often or self.history.terminations or self.actuators.busy or self.policy_store.busy
        pause = min(pause, BUSY_PAUSE_SECONDS) if waiting or self.control.busy else pause
        return min(pause, self.history.hooks.due_in(time.clock_gettime(time.CLOCK_BOOTTIME)))

    def _finish(self) -> None:
        self.audit_trail.abandon("the daemon stopped before this ended")
        self.kernel_kills.flush()
        self.history = replace(self.history, emergency=None)
        self._write(Record(Kind.STOP, result=self._stopping.words))
        self._save(Plan(), complete=True)
        self.control.close()
        self.flight.close()
        self.reporter.close(self.journal)
        self.actuators.close()
        self.sensors.close()
        self.journal.close()
        self.notifier.close()
        self.lock.release()


def _hook_runner(config: Config) -> HookRunner | None:
    """Whoever has no hooks does not pay for them."""
    if not config.hooks.programs:
        return None
    from watchdog_oom.host.hooks.runner import HookRunner
    from watchdog_oom.policy.programs import why_not_run
    return HookRunner(why_not_run)
