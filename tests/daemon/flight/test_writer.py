"""A real daemon records: what is left after it was killed, what hostile names become, what happens before a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from tests.miniature.daemon import MakeDaemon, OwnDaemon, Spawn
from watchdog_oom.daemon.flight.recorder import LOOK_AGAIN_SECONDS
from watchdog_oom.recorder.reading import samples
from watchdog_oom.recorder.sample import Sample, SampleKind

CONFIG = '[recorder]\nevery = "1s"\n[services]\nmanager = "service"\n[tick]\nslowest = "20ms"\nfastest = "20ms"\n'
LIMIT = '[process.hog]\nname = "hogger"\n[limit.hog]\nprocess = "hog"\nrss = "20MiB"\nfor = "1s"\ngrace = "1s"\n'
NAME = "a) Z 1 (\n\x1b[1m"
HOG = "x = bytearray(40 << 20); import time; time.sleep(60)"


def recorded(daemon: OwnDaemon) -> list[Sample]:
    troubles: list[str] = []
    flight = daemon.log / "flight"
    found = list(samples(str(flight), tell=troubles.append)) if flight.exists() else []
    assert troubles in ([], troubles[:1])
    return found


def child_of(daemon: OwnDaemon) -> int | None:
    """The child that records: the one that holds the directory."""
    for pid in Path(f"/proc/{daemon.pid}/task/{daemon.pid}/children").read_text().split():
        with suppress(OSError):
            if str(daemon.log / "flight") in {os.readlink(fd) for fd in Path(f"/proc/{pid}/fd").iterdir()}:
                return int(pid)
    return None


@pytest.mark.slow
def test_a_daemon_that_only_observes_records_too_and_shows_it_in_its_status(daemon: MakeDaemon, spawn: Spawn) -> None:
    sleeper = spawn("import time; time.sleep(60)", name=NAME)
    watch = daemon("", config=CONFIG)
    watch.start("--observe")
    watch.wait_for(lambda: watch.status()["recorder"]["last_sample"], 5, "a sample")
    shown = watch.status()["recorder"]
    assert shown["state"] == "recording" and shown["problem"] is None and shown["dropped_ticks"] == 0
    assert watch.stop() == 0
    last = recorded(watch)[-1].snapshot
    assert last.memory is not None and last.boot_id == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert last.processes[sleeper.pid].comm == NAME[:15]
    assert last.processes[os.getpid()].ppid == os.getppid()


@pytest.mark.slow
def test_after_the_daemon_was_killed_its_last_minute_is_written_to_the_last_tick(daemon: MakeDaemon) -> None:
    watch = daemon("", config=CONFIG)
    watch.start("--observe")
    ticks = watch.status()["health"]["ticks"]
    watch.wait_for(lambda: watch.status()["health"]["ticks"] > ticks + 20, 5, "ticks")
    writer = child_of(watch)
    os.kill(watch.pid, signal.SIGSTOP)  # so that it dies with reports of the child unread
    ended = time.time()
    watch.wait_for(lambda: " S " in Path(f"/proc/{writer}/stat").read_text(), 5, "the child's rest")
    watch.stop(signal.SIGKILL)
    deadline = time.monotonic() + 4
    while Path(f"/proc/{writer}").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    found = recorded(watch)
    assert ended - found[-1].snapshot.clock.wall < 0.5
    walls = [sample.snapshot.clock.wall for sample in found]
    assert walls == sorted(walls) and len(found) > 15


def test_after_the_child_was_killed_what_it_wrote_is_readable_and_another_goes_on(daemon: MakeDaemon) -> None:
    watch = daemon("", config=CONFIG)
    watch.start("--observe")
    watch.wait_for(lambda: watch.status()["recorder"]["last_sample"], 5, "a sample")
    before, writer = recorded(watch), child_of(watch)
    assert writer is not None
    os.kill(writer, signal.SIGKILL)
    watch.wait_for(lambda: child_of(watch) not in (writer, None), 5, "another child")
    watch.wait_for(lambda: len(recorded(watch)) > len(before), 5, "another sample")
    assert watch.stop() == 0
    found = recorded(watch)
    assert [sample.snapshot for sample in found[:len(before)]] == [sample.snapshot for sample in before]
    assert found[len(before)].keyframe or found[len(before) + 1].keyframe


def look_of(watch: OwnDaemon, pid: int) -> Sample | None:
    return next((sample for sample in recorded(watch) if f"{pid}/status" in sample.extra), None)


def looked_at(watch: OwnDaemon, spawn: Spawn) -> subprocess.Popen[bytes]:
    """A hog that was ended and looked at. If the kernel killed somebody else on this host right before, nobody is
    looked at again so soon, and another one takes its turn."""
    for _ in range(3):
        hog = spawn(HOG)
        hog.wait(8)
        with suppress(AssertionError):
            watch.wait_for(partial(look_of, watch, hog.pid), LOOK_AGAIN_SECONDS + 1, "the look")
            return hog
    raise AssertionError("three hogs were ended, and none of them was looked at")


def test_a_kill_is_recorded_with_the_ticks_before_it_and_a_look_at_the_largest(
        daemon: MakeDaemon, spawn: Spawn) -> None:
    watch = daemon(LIMIT, config=CONFIG)
    watch.start()
    hog = looked_at(watch, spawn)
    assert watch.stop() == 0
    found = recorded(watch)
    look = look_of(watch, hog.pid)
    assert look is not None and "meminfo" in look.extra
    opening = next(sample for sample in found
                   if sample.kind is SampleKind.BEFORE and hog.pid in sample.snapshot.processes)
    assert opening.keyframe and opening.snapshot.processes[hog.pid].rss_bytes > 40 << 20
    before = [sample.snapshot for sample in found[:found.index(opening)]]
    assert len([each for each in before if hog.pid in each.processes]) > 5


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_on_a_full_disk_the_journal_goes_on_and_the_status_says_why_nothing_is_recorded(
        daemon: MakeDaemon, spawn: Spawn, small_disk: Callable[..., Path]) -> None:
    watch = daemon(LIMIT, config=CONFIG)
    filler = small_disk(watch.log, "16m")
    watch.log.chmod(0o700)
    watch.start()
    with suppress(OSError):
        filler.write_bytes(b"x" * (32 << 20))
    spawn(HOG).wait(8)
    watch.wait_for(lambda: watch.status()["recorder"]["state"] == "stopped", 5, "the recorder's word of it")
    shown = watch.status()["recorder"]
    assert shown["lost_samples"] > 0 and "leaves the last" in shown["problem"]
    assert watch.records("outcome", rule="limit.hog")
    filler.unlink()
    spawn(HOG).wait(8)
    watch.wait_for(lambda: watch.status()["recorder"]["state"] == "recording", 5, "the recorder")
    assert watch.stop() == 0


def test_the_file_can_be_read_with_zcat(daemon: MakeDaemon) -> None:
    watch = daemon("", config=CONFIG)
    watch.start("--observe")
    assert watch.stop() == 0
    lines = []
    for path in sorted((watch.log / "flight").iterdir()):
        lines += subprocess.run(["zcat", str(path)], check=True, capture_output=True).stdout.splitlines()
    assert json.loads(lines[0])["v"] == 1 and len(lines) >= 1
