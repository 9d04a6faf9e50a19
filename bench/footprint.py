"""What each daemon holds and uses while nothing happens, with few and with many processes on the host."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from bench.crowd import crowd, room_for
from bench.daemons import bare, daemon, home, missing_peers, peers, running, warm_up
from bench.table import Table

CROWDS = (100, 1_000, 5_000)
SETTLE_SECONDS = 15.0  # our daemon reads a young process at every scan, and no longer after 10 s
WINDOW_SECONDS = 30.0
NO_SPOOLS = 'description = "limits only"\n[process.x]\nname = "x"\n[limit.x]\nprocess = "x"\nrss = "1GiB"\n'


def run() -> tuple[Table, ...]:
    warm_up()
    rows: list[tuple[str, ...]] = []
    how = (f"All run at the same time; CPU of {WINDOW_SECONDS:.0f} s after {SETTLE_SECONDS:.0f} s, in percent of a "
           "core, that of their ended children apart. Ours observes only.")
    notes = [*missing_peers(), how]
    for count in CROWDS:
        if not room_for(count):
            notes.append(f"{count:,} processes: not enough memory or pids here, skipped.")
            continue
        with crowd(count):
            rows += [(f"{count:,}", *cells) for cells in _measure_all()]
    return (Table("footprint", ("processes", "daemon", "RSS MiB", "private MiB", "PSS MiB", "locked MiB", "threads",
                                "fds", "CPU %", "children %"), tuple(rows), tuple(notes)),)


def _measure_all() -> list[tuple[str, ...]]:
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        armed, plain = stack.enter_context(home()), stack.enter_context(home(NO_SPOOLS))
        argvs = {"watchdog-oomd, mail-server.toml": daemon(armed), "watchdog-oomd, no spool": daemon(plain),
                 **peers(directory), "bare python3, asleep": bare()}
        pids = {name: stack.enter_context(running(argv)).pid for name, argv in argvs.items()}
        time.sleep(SETTLE_SECONDS)
        before = {name: _cpu_seconds(pid) for name, pid in pids.items()}
        time.sleep(WINDOW_SECONDS)
        after = {name: _cpu_seconds(pid) for name, pid in pids.items()}
        return [(name, *_holdings(pid), *_shares(before[name], after[name])) for name, pid in pids.items()]


def _shares(before: Sequence[float], after: Sequence[float]) -> tuple[str, ...]:
    return tuple(f"{(late - early) / WINDOW_SECONDS * 100:.3f}" for early, late in zip(before, after, strict=True))


def _cpu_seconds(pid: int) -> tuple[float, float]:
    """Of all threads by the scheduler's clock, in nanoseconds; of reaped children by the tick's, in 10 ms."""
    own = sum(int((task / "schedstat").read_text().split()[0]) for task in Path(f"/proc/{pid}/task").iterdir()) / 1e9
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return own, (int(fields[13]) + int(fields[14])) / 100


def _holdings(pid: int) -> tuple[str, ...]:
    process = Path(f"/proc/{pid}")
    status = dict(re.findall(r"^(\w+):\s+(\d+)", (process / "status").read_text(), re.MULTILINE))
    rollup = dict(re.findall(r"^(\w+):\s+(\d+)", (process / "smaps_rollup").read_text(), re.MULTILINE))
    private = int(rollup["Private_Clean"]) + int(rollup["Private_Dirty"])
    sizes = (int(status["VmRSS"]), private, int(rollup["Pss"]), int(status["VmLck"]))
    return (*(f"{kib / 1024:.1f}" for kib in sizes), status["Threads"], str(len(list((process / "fd").iterdir()))))
