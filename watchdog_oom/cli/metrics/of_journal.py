"""Counters: what was counted in the journal, those that are still zero included, so that the first act is a rise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING

from watchdog_oom.cli.metrics.counts import RESULTS, Counts, lost_since_start
from watchdog_oom.cli.metrics.series import by_one, counter, plain_counter
from watchdog_oom.cli.status.values import Plain, map_of, texts_of

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

CONSTRAINTS = ("host", "memcg", "unknown")
EMERGENCY = "emergency"


def counters(counts: Counts, status: Plain) -> Iterator[Metric]:
    """``status`` is empty where no daemon runs."""
    kinds = {kind: texts_of(map_of(status, "rules"), kind) for kind in ("limit", "recover", "clean")}
    rules = [f"{kind}.{name}" for kind, names in kinds.items() for name in names]
    recoveries = [rule for rule in rules if rule.startswith("recover.")]
    yield counter("acts", "Acts of a rule that came to an outcome, by how they came out.",
                  _with_zeros(counts.acts, (*rules, EMERGENCY), RESULTS.values()), ("rule", "result"))
    yield counter("incidents", "Incidents that were opened.", by_one(
        {**dict.fromkeys((*recoveries, EMERGENCY), 0), **counts.incidents}), ("rule",))
    yield counter("recoveries", "Recoveries that were closed, by whether all that was stopped runs and is verified.",
                  _with_zeros(counts.closed, recoveries, ("ok", "failed")), ("rule", "result"))
    yield counter("refusals", "Refusals written in the journal: the first of a rule and reason, then hourly.",
                  by_one({**dict.fromkeys(rules, 0), **counts.refusals}), ("rule",))
    yield counter("purges", "Purges of a spool that came to an outcome.", _with_zeros(
        counts.purges, map_of(status, "spools"), RESULTS.values()), ("spool", "result"))
    yield counter("kernel_kills", "Processes killed by the kernel's OOM killer, by whose memory had run out.",
                  by_one({**dict.fromkeys(CONSTRAINTS, 0), **counts.kernel_kills}), ("constraint",))
    yield plain_counter("daemon_starts", "Starts of the daemon.", counts.starts)
    yield plain_counter("late_rounds", "Rounds of the daemon's loop that took a second longer than they should.",
                        counts.late_rounds)
    yield plain_counter("policy_rejections", "Policies that were read and rejected.", counts.rejected_policies)
    yield from _losses(counts, status)


def _losses(counts: Counts, status: Plain) -> Iterator[Metric]:
    records, ticks, samples = lost_since_start(status)
    yield plain_counter("journal_lost_records", "Records that the journal could not take.",
                        counts.lost_records.total(records))
    yield plain_counter("recorder_dropped_ticks", "Ticks that the flight recorder's process did not take.",
                        counts.dropped_ticks.total(ticks))
    yield plain_counter("recorder_lost_samples", "Samples that the flight recorder's process could not write.",
                        counts.lost_samples.total(samples))


def _with_zeros(counted: Mapping[tuple[str, str], int], names: Iterable[str], results: Iterable[str],
                ) -> dict[Sequence[str], float]:
    """Also what has not happened yet, of those that are known."""
    values: dict[Sequence[str], float] = dict.fromkeys(product(names, results), 0)
    values.update(counted.items())
    return values
