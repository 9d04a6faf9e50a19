"""The kernel's kills stand in the journal, and nobody can fill it with them."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client.exposition import generate_latest

from tests.miniature.daemon import MakeDaemon
from tests.miniature.proc_tree import Proc
from watchdog_oom.cli.metrics.collector import DaemonCollector, registry_of
from watchdog_oom.core.model import KernelKill
from watchdog_oom.daemon.kernel_kill_news import MOST_NAMED, TELL_AGAIN_SECONDS, KernelKillNews
from watchdog_oom.host.clock import boot_id
from watchdog_oom.journal.record import Record


def kill(pid: int, comm: str = "mysqld", *, cgroup: bool = False) -> KernelKill:
    return KernelKill(pid, comm, f"Killed process {pid} ({comm})", 1.0, cgroup)


def test_the_first_kill_is_told_at_once_with_its_line_and_those_after_it_within_a_minute() -> None:
    told: list[Record] = []
    news = KernelKillNews(told.append)
    news.tell((kill(71),), 100.0)
    assert [(record.rule, record.result, record.because, record.ok) for record in told] == [
        ("kernel", "the kernel killed mysqld[71]", ("Killed process 71 (mysqld)",), False)]
    for second in range(1, int(TELL_AGAIN_SECONDS)):
        news.tell((kill(100 + second, "leak", cgroup=True),), 100.0 + second)
    assert len(told) == 1
    news.tell((), 100.0 + TELL_AGAIN_SECONDS)
    assert told[1].detail == {"kernel_kills": {"memcg": 59}}
    assert len(told[1].because) == MOST_NAMED and str(told[1].result).endswith(", 49 more")


def test_no_kill_is_told_twice_or_lost() -> None:
    told: list[Record] = []
    news = KernelKillNews(told.append)
    news.tell((kill(1), kill(2, cgroup=True)), 0.0)
    news.tell((kill(3),), 1.0)
    news.flush()
    news.flush()
    news.tell((), 500.0)
    assert [record.detail for record in told] == [{"kernel_kills": {"host": 1, "memcg": 1}},
                                                  {"kernel_kills": {"host": 1}}]


def test_a_kill_that_only_the_kernels_counter_tells_of_has_no_name() -> None:
    told: list[Record] = []
    KernelKillNews(told.append).tell((KernelKill(0, "?", "/proc/vmstat counts 1 OOM kill", 1.0),), 0.0)
    assert (told[0].result, told[0].detail) == ("the kernel killed 1 without a name",
                                                {"kernel_kills": {"unknown": 1}})


@pytest.mark.slow
def test_a_real_daemon_writes_a_kill_that_no_rule_asks_for_and_the_metrics_count_it_after_its_restart(
        daemon: MakeDaemon, home: Path) -> None:
    """The kernel's counter is that of a made-up /proc; a line of its log is waited for, for five seconds, in vain."""
    proc = Proc(home / "proc")
    (proc.root / "vmstat").write_text("oom_kill 3\n")
    watch = daemon("")
    watch.start("--proc", str(proc.root))
    (proc.root / "vmstat").write_text("oom_kill 4\n")
    watch.wait_for(lambda: watch.records("incident", rule="kernel"), 15, "the kill in the journal")
    watch.stop()
    watch.start("--proc", str(proc.root))
    collector = DaemonCollector(str(watch.runtime), str(watch.log), boot_id())
    text = generate_latest(registry_of(collector)).decode()
    collector.close()
    assert 'watchdog_oom_kernel_kills_total{constraint="unknown"} 1.0' in text
    assert "watchdog_oom_daemon_starts_total 2.0" in text
