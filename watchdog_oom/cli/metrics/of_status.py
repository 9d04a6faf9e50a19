"""Gauges: what the running daemon last told of itself in its status file. Any value may be missing, as there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from watchdog_oom.cli.metrics.series import by_one, gauge, plain_counter, plain_gauge
from watchdog_oom.cli.status.values import Plain, map_of, maps_of, number_of, texts_of
from watchdog_oom.core.history import Stage
from watchdog_oom.core.model import ServiceStatus

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

RECOVERY_STATES = ("armed", "running", "cooling down", "held")
RECORDER_STATES = ("recording", "starting", "stopped", "waiting to start again", "off")


def gauges(status: Plain) -> Iterator[Metric]:
    policy, health = map_of(status, "policy"), map_of(status, "health")
    yield plain_gauge("status_timestamp_seconds", "When the daemon wrote its status, in seconds since the epoch.",
                      number_of(status, "written"))
    yield plain_gauge("start_time_seconds", "When the daemon started, in seconds since the epoch.",
                      number_of(status, "started"))
    yield plain_gauge("observe_only", "1 where the daemon never acts (--observe).", bool(status.get("observe")))
    yield plain_gauge("policy_stale", "1 where the policy files are broken and the last good policy is in force.",
                      bool(policy.get("stale")))
    yield plain_gauge("policy_faults", "Faults of the policy files on disk.", len(texts_of(policy, "faults")))
    yield plain_gauge("policy_loaded_timestamp_seconds", "When the policy in force was loaded.",
                      number_of(policy, "loaded"))
    yield plain_gauge("emergency_active", "1 while there is an emergency.", bool(status.get("emergency")))
    yield plain_gauge("memory_unknown", "1 where memory cannot be judged, so that no rule on memory is in force.",
                      bool(status.get("memory_problem")))
    yield plain_gauge("troubles", "What the daemon lacks or is not able to do.", len(texts_of(health, "troubles")))
    yield plain_gauge("worst_lateness_seconds", "How much too long the slowest round took, since the start.",
                      number_of(health, "worst_late_seconds"))
    yield plain_counter("ticks", "Rounds of the daemon's loop, since its start.", number_of(health, "ticks"))
    yield plain_counter("failed_ticks", "Rounds that failed by a mistake of the program, since its start.",
                        number_of(health, "failed_ticks"))
    yield gauge("rule_paused", "1 for each rule that an administrator has paused, or all.",
                by_one({str(one.get("rule")): 1 for one in maps_of(status, "pauses")}), ("rule",))
    yield from _recoveries(status)
    yield from _spools(status)
    yield from _under_way(status)
    yield from _recorder(status)


def _recoveries(status: Plain) -> Iterator[Metric]:
    recoveries = {f"recover.{name}": state for name, state in map_of(status, "recoveries").items()
                  if isinstance(state, dict)}
    yield gauge("recovery_state", "1 for the state a recovery is in, 0 for the others.",
                {(rule, state): recovery.get("state") == state for rule, recovery in recoveries.items()
                 for state in RECOVERY_STATES}, ("rule", "state"))
    yield gauge("recovery_attempts", "Attempts of a recovery within its period.",
                by_one({rule: number_of(recovery, "attempts") for rule, recovery in recoveries.items()}), ("rule",))
    yield gauge("recovery_attempts_allowed", "Attempts after which a recovery is held.", by_one(
        {rule: number_of(recovery, "attempts_allowed") for rule, recovery in recoveries.items()}), ("rule",))
    yield gauge("services_owed", "Services that a recovery has stopped and could not start again.",
                by_one({rule: len(texts_of(recovery, "owed")) for rule, recovery in recoveries.items()}), ("rule",))


def _spools(status: Plain) -> Iterator[Metric]:
    spools = {name: spool for name, spool in map_of(status, "spools").items() if isinstance(spool, dict)}
    for name, meaning, key in (
            ("spool_entries", "Entries of a spool.", "entries"),
            ("spool_stale_entries", "Entries that are older than the policy allows and not in use.", "stale"),
            ("spool_size_bytes", "Size of all entries of a spool.", "size_bytes"),
            ("spool_oldest_entry_age_seconds", "Age of the oldest entry of a spool.", "oldest_seconds")):
        values = {spool: number_of(state, key) for spool, state in spools.items()}
        yield gauge(name, meaning, by_one(values), ("spool",))
    yield gauge("spool_refused", "1 where a spool cannot be read or must not be purged.",
                by_one({spool: bool(state.get("problem")) for spool, state in spools.items()}), ("spool",))
    yield gauge("spool_complete", "0 where the figures of a spool are only lower bounds.",
                by_one({spool: bool(state.get("complete")) for spool, state in spools.items()}), ("spool",))


def _under_way(status: Plain) -> Iterator[Metric]:
    states = Counter(str(service.get("status")) for service in map_of(status, "services").values()
                     if isinstance(service, dict))
    stages = Counter(str(one.get("stage")) for one in maps_of(status, "ending"))
    yield gauge("services", "Services that the policy names, by their state.",
                by_one({**dict.fromkeys(ServiceStatus, 0), **states}), ("state",))
    yield gauge("processes_ending", "Processes that are being ended, by how far that is.",
                by_one({**dict.fromkeys(Stage, 0), **stages}), ("state",))
    yield plain_gauge("frozen_processes", "Processes that are stopped until there is room for them.",
                      len(maps_of(status, "frozen")))
    yield plain_gauge("contained_units", "Units that have memory bounds for now.", len(maps_of(status, "contained")))


def _recorder(status: Plain) -> Iterator[Metric]:
    recorder = map_of(status, "recorder")
    yield gauge("recorder_state", "1 for the state the flight recorder is in, 0 for the others.",
                by_one({state: recorder.get("state") == state for state in RECORDER_STATES}), ("state",))
    yield plain_gauge("recorder_size_bytes", "Size of all recordings.", number_of(recorder, "size_bytes"))
    yield plain_gauge("recorder_last_sample_timestamp_seconds", "When the last sample was taken; 0: none yet.",
                      number_of(recorder, "last_sample"))
