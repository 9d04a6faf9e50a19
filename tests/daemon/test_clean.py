"""Routine cleaning by a real daemon on real directories, with an hour scaled down to a second."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest

from tests.miniature.daemon import MakeDaemon, OwnDaemon

MEMINFO = ("MemTotal: 1000000 kB\nMemFree: 10000 kB\nMemAvailable: {} kB\nBuffers: 0 kB\nCached: 0 kB\n"
           "AnonPages: 800000 kB\nSwapTotal: 500000 kB\nSwapFree: {} kB\n")
RECOVER = """
[recover.r]
when   = [{ spool = "sessions", entries_above = 2 }]
steps  = [{ run = ["/bin/true"] }, { wait = "3s" }, { purge = "sessions" }]
verify = false
"""


def policy_for(spool: Path, more: str = "", stale_after: str = "1ms") -> str:
    return f"""
[spool.sessions]
path = "{spool}"
entries = "sess_*"
stale_after = "{stale_after}"
[clean.sessions]
spool = "sessions"
every = "1s"
{more}"""


def make_spool(home: Path, entries: int = 3) -> Path:
    spool = home / "var" / "sessions"
    spool.mkdir(parents=True)
    add(spool, entries)
    return spool


def add(spool: Path, entries: int, prefix: str = "sess_") -> None:
    for number in range(entries):
        (spool / f"{prefix}{number}").write_text("data")


def sessions(spool: Path) -> list[str]:
    return sorted(path.name for path in spool.iterdir() if path.name.startswith("sess_"))


def cleaned(watch: OwnDaemon) -> list[str]:
    return [str(record["result"]) for record in watch.records("outcome", rule="clean.sessions")]


def test_a_session_spool_is_cleaned_again_and_again_with_one_record_a_run_and_none_without_work(
        daemon: MakeDaemon, home: Path) -> None:
    spool = make_spool(home)
    (spool / "index").write_text("not a session")
    watch = daemon(policy_for(spool))
    watch.start()
    watch.wait_for(lambda: cleaned(watch), 10, "the first run")
    assert sessions(spool) == []
    add(spool, 2, "sess_later")
    watch.wait_for(lambda: len(cleaned(watch)) > 1, 10, "the second run")
    ended = watch.status()["cleans"]["sessions"]["last_ended"]
    watch.wait_for(lambda: (watch.status()["cleans"]["sessions"]["last_ended"] or 0) > (ended or 0) + 1, 10,
                   "more runs")
    first, second = cleaned(watch)
    assert first.startswith("3 entries cleared") and "; 3 entries deleted (3 files" in first
    assert second.startswith("2 entries cleared") and "; 2 entries deleted (2 files" in second
    assert watch.records("intent") == []
    assert watch.records("incident") == []
    assert [path.name for path in spool.iterdir()] == ["index"]
    (record,) = watch.records("outcome")[:1]
    assert (record["ok"], record["step"], record["incident"]) == (True, "purge sessions", None)
    assert record["because"] == ["3 of 3 entries of sessions are stale"]
    assert record["target"]["path"] == str(spool)


@pytest.mark.slow
def test_nothing_is_cleaned_while_a_recovery_that_uses_the_spool_is_under_way(daemon: MakeDaemon, home: Path) -> None:
    spool = make_spool(home)
    watch = daemon(policy_for(spool, RECOVER, stale_after="1500ms"))
    watch.start()
    watch.wait_for(lambda: watch.records("incident", rule="recover.r"), 5, "the recovery")
    watch.wait_for(lambda: (watch.status()["cleans"]["sessions"]["why_waiting"] or "").startswith("recover.r is under"),
                   5, "that it waits for the recovery")
    watch.wait_for(lambda: any("closed: success" in record["result"] for record in watch.records("incident")), 15,
                   "the end of the recovery")
    (purge,) = [record for record in watch.records("outcome") if "cleared" in record["result"]]
    assert purge["rule"] == "recover.r"
    assert sessions(spool) == []


@pytest.mark.slow
def test_nothing_is_cleaned_while_memory_is_near_its_thresholds(daemon: MakeDaemon, home: Path) -> None:
    spool = make_spool(home)
    proc = home / "proc"
    (proc / "sys/kernel/random").mkdir(parents=True)
    (proc / "sys/kernel/random/boot_id").write_text(Path("/proc/sys/kernel/random/boot_id").read_text())
    (proc / "self").symlink_to("/proc/self")
    (proc / "meminfo").write_text(MEMINFO.format(120000, 60000))
    watch = daemon(policy_for(spool))
    watch.start("--proc", str(proc))
    watch.wait_for(lambda: "memory is near" in (watch.status()["cleans"]["sessions"]["why_waiting"] or ""), 5,
                   "that it waits for memory")
    time.sleep(1.5)  # longer than ``every``
    assert len(sessions(spool)) == 3
    assert watch.records("outcome") == []
    (proc / "meminfo").write_text(MEMINFO.format(900000, 500000))
    watch.wait_for(lambda: sessions(spool) == [], 10, "the run")


def test_a_run_cut_short_by_the_end_of_the_daemon_is_finished_by_the_next_and_not_repeated(
        daemon: MakeDaemon, home: Path) -> None:
    spool = make_spool(home, 3000)
    watch = daemon(policy_for(spool).replace('"1s"', '"2s"'))
    watch.start()
    watch.wait_for(lambda: len(sessions(spool)) < 3000, 15, "a run under way")
    began = time.monotonic()
    watch.stop(signal.SIGTERM)
    assert time.monotonic() - began < 10
    (record,) = watch.records("outcome", rule="clean.sessions")
    assert (record["ok"], record["result"]) == (None, "the daemon stopped before this ended")
    saved = json.loads((watch.state / "state.json").read_text())
    assert saved["purging"] == {"sessions": str(spool)}
    watch.write_policy(policy_for(spool).replace('"1s"', '"1h"'))
    (watch.state / "state.json").write_text(json.dumps({**saved, "cleans": {"sessions": [1e9, "", None]}}))
    watch.start()
    watch.wait_for(lambda: watch.records("outcome", rule="spool.sessions"), 15, "the rest of the purge")
    assert [path.name for path in spool.parent.iterdir()] == ["sessions"]
    due = watch.status()["cleans"]["sessions"]["due"]
    assert 3500 < due - time.time() < 3600
