"""What a real daemon tells of itself, running, gone, and started again."""

from __future__ import annotations

import fcntl
import signal
from itertools import pairwise
from pathlib import Path

from prometheus_client.exposition import generate_latest

from tests.cli.metrics.told import BOOT, samples_of, value_of
from tests.miniature.daemon import MakeDaemon
from watchdog_oom.cli.metrics.collector import DaemonCollector, registry_of
from watchdog_oom.host.clock import boot_id

POLICY = """
[process.sleeper]
name = "never-here"
[limit.sleeper]
process = "sleeper"
rss     = "1GiB"
"""


def test_a_restart_of_the_daemon_sets_no_counter_back(daemon: MakeDaemon) -> None:
    watch = daemon(POLICY)
    collector = DaemonCollector(str(watch.runtime), str(watch.log), boot_id())
    registry = registry_of(collector)
    seen = []
    for number in (signal.SIGKILL, signal.SIGTERM):
        watch.start()
        seen.append(text := generate_latest(registry).decode())
        assert value_of(text, "up") == 1
        assert value_of(text, "acts_total", rule="limit.sleeper", result="ok") == 0
        watch.stop(number)
    seen.append(gone := generate_latest(registry).decode())
    assert value_of(gone, "up") == 0 and value_of(gone, "status_readable") == 1
    assert value_of(gone, "policy_stale") is None  # nobody knows
    assert [value_of(text, "daemon_starts_total") for text in seen] == [1, 2, 2]
    for earlier, later in pairwise(seen):
        after = samples_of(later)
        for (name, labels), value in samples_of(earlier).items():
            if name.endswith("_total") and "ticks" not in name and (name, labels) in after:
                assert after[name, labels] >= value
    fresh = DaemonCollector(str(watch.runtime), str(watch.log), boot_id())
    assert value_of(generate_latest(registry_of(fresh)).decode(), "daemon_starts_total") == 2
    collector.close()
    fresh.close()


def test_a_status_of_another_release_is_no_daemon_that_is_down(tmp_path: Path) -> None:
    (tmp_path / "status.json").write_text('{"v": 0}')
    with (tmp_path / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        collector = DaemonCollector(str(tmp_path), str(tmp_path), BOOT)
        text = generate_latest(registry_of(collector)).decode()
        collector.close()
    assert (value_of(text, "up"), value_of(text, "status_readable")) == (1, 0)
    assert value_of(text, "daemon_starts_total") == 0
