"""The gauges of a status, of a strange one, and of none."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.metrics_core import Metric

from watchdog_oom.cli.metrics.of_status import RECORDER_STATES, gauges
from watchdog_oom.cli.metrics.series import LABELS

STATUS: dict[str, Any] = {
    "written": 1000.5, "started": 900.0, "observe": True, "emergency": "e-1", "memory_problem": None,
    "policy": {"stale": True, "faults": ["a", "b"], "loaded": 950.0},
    "health": {"ticks": 7, "failed_ticks": 1, "troubles": ["x"], "worst_late_seconds": 0.25},
    "pauses": [{"rule": "all"}],
    "recoveries": {"mail": {"state": "held", "attempts": 3, "attempts_allowed": 3, "owed": ["smtp", "imap"]}},
    "spools": {"vscan": {"entries": 9, "stale": 4, "size_bytes": 8192, "oldest_seconds": 60, "problem": None,
                         "complete": False}},
    "services": {"a": {"status": "active"}, "b": {"status": "failed"}, "c": {"status": "failed"}},
    "ending": [{"pid": 71, "name": "clamscan", "stage": "unkillable"}], "frozen": [{}], "contained": [],
    "recorder": {"state": "stopped", "size_bytes": 5, "last_sample": 999.0}}


def samples(status: dict[str, Any]) -> dict[str, float]:
    return {f"{sample.name.removeprefix('watchdog_oom_')}{sorted(sample.labels.items()) or ''}": sample.value
            for family in gauges(status) for sample in family.samples}


def test_each_part_of_the_status_has_its_gauge() -> None:
    found = samples(STATUS)
    wanted = {
        "status_timestamp_seconds": 1000.5, "observe_only": 1, "policy_stale": 1, "policy_faults": 2,
        "emergency_active": 1, "memory_unknown": 0, "troubles": 1, "ticks_total": 7, "failed_ticks_total": 1,
        "rule_paused[('rule', 'all')]": 1, "recovery_state[('rule', 'recover.mail'), ('state', 'held')]": 1,
        "recovery_state[('rule', 'recover.mail'), ('state', 'armed')]": 0,
        "services_owed[('rule', 'recover.mail')]": 2, "recovery_attempts[('rule', 'recover.mail')]": 3,
        "spool_entries[('spool', 'vscan')]": 9, "spool_oldest_entry_age_seconds[('spool', 'vscan')]": 60,
        "spool_complete[('spool', 'vscan')]": 0, "services[('state', 'failed')]": 2,
        "processes_ending[('state', 'unkillable')]": 1, "frozen_processes": 1, "contained_units": 0,
        "recorder_state[('state', 'stopped')]": 1, "recorder_state[('state', 'recording')]": 0}
    assert {name: found.get(name) for name in wanted} == wanted


def test_the_states_of_the_recorder_are_those_that_the_daemon_tells() -> None:
    source = (Path(__file__).parents[3] / "watchdog_oom/daemon/flight/recorder.py").read_text()
    told = re.findall(r'(?:status\["state"\] =|"state":) (.*?)(?:\n|,)', source)
    assert {word for line in told for word in re.findall(r'"([a-z ]+)"', line)} == set(RECORDER_STATES)


def test_names_and_units_are_by_the_conventions_and_labels_are_the_five() -> None:
    for family in gauges(STATUS):
        names_and_labels_hold(family)


def names_and_labels_hold(family: Metric) -> None:
    assert re.fullmatch(r"watchdog_oom_[a-z][a-z_]*[a-z]", family.name)
    assert family.documentation.endswith(".")
    assert not re.search(r"_(ms|kib|mib|percent|minutes|total|count|info|pid|comm)$", family.name)
    for sample in family.samples:
        assert set(sample.labels) <= set(LABELS)
        assert sample.timestamp is None
        assert (sample.name == f"{family.name}_total") == (family.type == "counter")


@given(st.dictionaries(st.sampled_from(list(STATUS)), st.none() | st.integers() | st.text() | st.lists(st.integers())
                       | st.dictionaries(st.text(), st.none() | st.integers())))
def test_no_status_of_another_release_is_too_strange(status: dict[str, Any]) -> None:
    assert len(list(gauges(status))) == len(list(gauges({})))
