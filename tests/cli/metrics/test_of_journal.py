"""The counters, and those that are still zero."""

from __future__ import annotations

from typing import Any

from tests.cli.metrics.test_of_status import names_and_labels_hold
from watchdog_oom.cli.metrics.counts import Counts
from watchdog_oom.cli.metrics.of_journal import counters

STATUS: dict[str, Any] = {"rules": {"limit": ["a"], "recover": ["m"], "clean": ["s"], "protect": ["p"],
                                    "emergency": "kill"},
                          "spools": {"vscan": {}}, "health": {"journal_dropped": 4},
                          "recorder": {"dropped_ticks": 1, "lost_samples": 2}}


def samples(counts: Counts, status: dict[str, Any]) -> dict[str, float]:
    return {f"{sample.name.removeprefix('watchdog_oom_')}{sorted(sample.labels.values()) or ''}": sample.value
            for family in counters(counts, status) for sample in family.samples}


def test_the_first_act_of_a_rule_is_a_rise_since_its_zero_was_there_before() -> None:
    before, counts = samples(Counts(), STATUS), Counts()
    counts.acts["limit.a", "ok"] += 1
    counts.incidents["emergency"] += 1
    counts.closed["recover.m", "failed"] += 1
    counts.purges["vscan", "ok"] += 1
    counts.kernel_kills["host"] += 2
    after = samples(counts, STATUS)
    assert before.keys() == after.keys()
    assert {name: value - before[name] for name, value in after.items() if value != before[name]} == {
        "acts_total['limit.a', 'ok']": 1, "incidents_total['emergency']": 1,
        "recoveries_total['failed', 'recover.m']": 1, "purges_total['ok', 'vscan']": 1,
        "kernel_kills_total['host']": 2}


def test_losses_that_only_the_running_daemon_knows_count() -> None:
    found = samples(Counts(), STATUS)
    assert [found[name] for name in ("journal_lost_records_total", "recorder_dropped_ticks_total",
                                     "recorder_lost_samples_total")] == [4, 1, 2]


def test_names_and_units_are_by_the_conventions_and_labels_are_the_five() -> None:
    for family in counters(Counts(), STATUS):
        names_and_labels_hold(family)
