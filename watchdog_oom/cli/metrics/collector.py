"""All series of one moment: the daemon's status, and the journal as far as it is written. For prometheus_client."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from watchdog_oom.cli.audit.tail import JournalTail
from watchdog_oom.cli.daemon_status import UnreadableStatusError, read_status
from watchdog_oom.cli.metrics.counts import JournalCounts
from watchdog_oom.cli.metrics.of_journal import counters
from watchdog_oom.cli.metrics.of_status import gauges
from watchdog_oom.cli.metrics.series import plain_gauge
from watchdog_oom.cli.status.values import Plain
from watchdog_oom.errors import NotRunningError

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric
    from prometheus_client.registry import CollectorRegistry


class DaemonCollector:
    """Reads the journal on from where it was at the last call. Raises NotPermittedError where it may not."""

    def __init__(self, runtime: str, log: str, boot: str) -> None:
        self._runtime = runtime
        self._tail = JournalTail(log)
        self._journal = JournalCounts(boot)

    def collect(self) -> Iterator[Metric]:
        up, status = self._status()
        self._journal.add(self._tail.lines())
        yield plain_gauge("up", "1 where the daemon runs.", up)
        yield plain_gauge("status_readable", "0 where the daemon runs, but its status file is of another release.",
                          bool(status) or not up)
        if status:
            yield from gauges(status)
        yield from counters(self._journal.counts, status)

    def close(self) -> None:
        self._tail.close()

    def _status(self) -> tuple[bool, Plain]:
        try:
            return True, read_status(self._runtime).status
        except NotRunningError:
            return False, {}
        except UnreadableStatusError:
            return True, {}


def registry_of(collector: DaemonCollector) -> CollectorRegistry:
    """A registry of this alone: nothing of the command's own process, and nothing is read before somebody asks."""
    from prometheus_client.registry import CollectorRegistry
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    return registry
