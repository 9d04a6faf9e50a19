"""The flight recorder in the daemon: memory, CPU and lateness with it on and off, among real processes that sleep."""

from __future__ import annotations

import json
import os
import re
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.crowd import crowd, room_for
from bench.daemons import Home, daemon, home, running, warm_up
from bench.table import Table
from watchdog_oom.recorder.frames import encode
from watchdog_oom.recorder.reading import samples
from watchdog_oom.recorder.segments import DIRECTORY, FlightWriter

CROWDS = (100, 600, 5_000)
SETTLE_SECONDS = 15.0
WINDOW_SECONDS = 75.0  # more than the minute after which a calm tick is written
DAY_SAMPLES, DAY_KEYFRAMES = 8640, 144
OFF = "[recorder]\nenabled = false\n"
COLUMNS = ("processes", "recorder", "RSS MiB", "private MiB", "CPU %", "worst late ms", "its process: private MiB",
           "CPU %", "MB a day")
HOW = (f"Both run at the same time with mail-server.toml and observe only; CPU of {WINDOW_SECONDS:.0f} s after "
       f"{SETTLE_SECONDS:.0f} s, in percent of a core. Hardly anything changes among sleepers: what a day of a busy "
       "host takes is in the other table.")


@dataclass(frozen=True, slots=True)
class _Usage:
    """Memory in MiB, CPU so far in seconds."""

    rss: float
    private: float
    cpu: float


def table() -> Table:
    """The daemon's half of ``recorder``."""
    warm_up()
    rows: list[tuple[str, ...]] = []
    notes = [HOW]
    for count in CROWDS:
        if not room_for(count):
            notes.append(f"{count:,} processes: not enough memory or pids here, skipped.")
            continue
        with crowd(count):
            rows += [(f"{count:,}", *cells) for cells in _measured()]
    return Table("recorder-daemon", COLUMNS, tuple(rows), tuple(notes))


def _measured() -> list[tuple[str, ...]]:
    with ExitStack() as stack:
        homes = {"on": stack.enter_context(home()), "off": stack.enter_context(home())}
        (homes["off"].path / "none.toml").write_text(OFF)
        with ExitStack() as daemons:
            pids = {word: daemons.enter_context(running(daemon(made), ready=True)).pid for word, made in homes.items()}
            writer = _writer(pids["on"], homes["on"])
            time.sleep(SETTLE_SECONDS)
            before = {pid: _usage(pid) for pid in (*pids.values(), writer)}
            time.sleep(WINDOW_SECONDS)
            after = {pid: _usage(pid) for pid in before}
            late = {word: _worst_late_ms(made) for word, made in homes.items()}
        shares = {pid: f"{(after[pid].cpu - before[pid].cpu) / WINDOW_SECONDS * 100:.3f}" for pid in before}
        its = {"on": (f"{after[writer].private:.1f}", shares[writer], f"{_day_bytes(homes['on']) / 1e6:.2f}"),
               "off": ("–", "–", "–")}
        return [(word, f"{after[pid].rss:.1f}", f"{after[pid].private:.1f}", shares[pid], f"{late[word]:.0f}",
                 *its[word]) for word, pid in pids.items()]


def _writer(daemon_pid: int, made: Home) -> int:
    """The child that holds the directory of the recordings."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for pid in map(int, Path(f"/proc/{daemon_pid}/task/{daemon_pid}/children").read_text().split()):
            if str(made.path / "log" / DIRECTORY) in {os.readlink(fd) for fd in Path(f"/proc/{pid}/fd").iterdir()}:
                return pid
        time.sleep(0.1)
    raise SystemExit("the daemon has no child that records")


def _usage(pid: int) -> _Usage:
    rollup = dict(re.findall(r"^(\w+):\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE))
    cpu = int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    return _Usage(int(rollup["Rss"]) / 1024, (int(rollup["Private_Clean"]) + int(rollup["Private_Dirty"])) / 1024, cpu)


def _worst_late_ms(made: Home) -> float:
    health = json.loads((made.path / "runtime" / "status.json").read_text())["health"]
    return float(health["worst_late_seconds"]) * 1000


def _day_bytes(made: Home) -> float:
    """A day of such changes, with a keyframe every ten minutes."""
    seen = [sample.snapshot for sample in samples(str(made.path / "log" / DIRECTORY))]
    with tempfile.TemporaryDirectory() as directory:
        files, sizes = FlightWriter(directory, 1 << 34, 1e9), []
        for number, snapshot in enumerate(seen):
            line = encode(seen[number - 1] if number else None, snapshot)
            files.write(line, snapshot.clock.wall, keyframe=not number)
            sizes.append(sum(file.stat().st_size for file in Path(directory).iterdir()))
    changes = (sizes[-1] - sizes[0]) / max(1, len(sizes) - 1)
    return sizes[0] * DAY_KEYFRAMES + changes * (DAY_SAMPLES - DAY_KEYFRAMES)
