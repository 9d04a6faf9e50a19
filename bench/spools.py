"""What spools cost the daemon, and how soon it knows them: the first complete look, its loop, its memory."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bench.daemons import Home, daemon, home, running, warm_up
from bench.table import Table, spread

ROUNDS = 3
ENTRIES, FILES_AN_ENTRY, FILE_BYTES = 1_000, 16, 4096
LONGEST_SECONDS = 90.0
SETTLE_SECONDS = 5.0
HOGS = 8
PLACE = "/dev/shm"
POLICY = ('[spool.s]\npath = "{path}"\nentries = "x-*"\nstale_after = "1h"\n'
          '[recover.s]\nmode = "observe"\nwhen = [{{ spool = "s", {condition} }}]\nsteps = [{{ purge = "s" }}]\n')
HOW = (f"On a tmpfs; {ROUNDS} rounds: median (smallest–largest), else the largest. Known: from READY until the "
       "journal has the incident of a rule that needs the whole size of the 16,000 files, or the count of all entries. "
       "Late: what the loop itself counted. Private: what the child that scans does not share with the daemon. "
       f"Starved: {HOGS} processes beside it that want the processors.")

Made = tuple[Path, str]


def run() -> tuple[Table, ...]:
    warm_up()
    rows: list[tuple[str, ...]] = []
    files = f"{ENTRIES * FILES_AN_ENTRY:,} files in {ENTRIES:,} entries"
    shapes: dict[str, Callable[[Path], str]] = {
        files: _files, "500,000 entries": _entries, "200,000 directories in one entry": _wide,
        "one entry of 20,000 levels": _deep}
    for shape, fill in shapes.items():
        with _spool() as spool:
            condition = fill(spool)
            rows.append((shape, *_measure(spool, condition)))
            if shape == files:
                with _starvation():
                    rows.append((f"{shape}, starved", *_measure(spool, condition)))
    columns = ("spool", "known s", "daemon RSS MiB", "private MiB", "worst late ms", "daemon CPU s", "child CPU s")
    return (Table("spools", columns, tuple(rows), (HOW,)),)


def _measure(spool: Path, condition: str) -> tuple[str, ...]:
    known, *rest = zip(*(_once(spool, condition) for _ in range(ROUNDS)), strict=True)
    rss, private, late, own, child = (max(values) for values in rest)
    soon = spread(known, digits=2) if max(known) < LONGEST_SECONDS else f"not in {LONGEST_SECONDS:.0f}"
    return (soon, f"{rss:.1f}", f"{private:.1f}", f"{late * 1000:.0f}", f"{own:.2f}", f"{child:.2f}")


def _once(spool: Path, condition: str) -> tuple[float, ...]:
    policy = POLICY.format(path=spool, condition=condition)
    with home(policy) as made, running(daemon(made), ready=True) as process:
        began = time.monotonic()
        while not _noticed(made) and time.monotonic() - began < LONGEST_SECONDS:
            time.sleep(0.01)
        known = time.monotonic() - began
        time.sleep(SETTLE_SECONDS)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        health = json.loads((made.path / "runtime" / "status.json").read_text())["health"]
        own = str(process.pid)
        return (known, _kib(own, "status", "VmRSS") / 1024,
                max((_kib(pid, "smaps_rollup", "Private_Dirty") / 1024 for pid in children), default=0.0),
                float(health["worst_late_seconds"]), _cpu_seconds(own), sum(map(_cpu_seconds, children)))


def _noticed(made: Home) -> bool:
    with suppress(FileNotFoundError):
        lines = (made.path / "log" / "audit.jsonl").read_text().splitlines()
        return any("would purge" in str(_record(line).get("result")) for line in lines)
    return False


def _record(line: str) -> dict[str, Any]:
    """A line of the journal; the last may be half written."""
    with suppress(ValueError):
        record: dict[str, Any] = json.loads(line)
        return record
    return {}


def _kib(pid: str, name: str, field: str) -> int:
    lines = Path(f"/proc/{pid}/{name}").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))


def _cpu_seconds(pid: str) -> float:
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


@contextmanager
def _spool() -> Iterator[Path]:
    base = Path(tempfile.mkdtemp(dir=PLACE, prefix="bench-"))
    base.chmod(0o755)
    try:
        yield base
    finally:
        subprocess.run([str(shutil.which("rm")), "-rf", str(base)], check=True)


@contextmanager
def _starvation() -> Iterator[None]:
    hogs = [subprocess.Popen([sys.executable, "-S", "-c", "while True: pass"]) for _ in range(HOGS)]
    try:
        yield
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()


def _files(spool: Path) -> str:
    content = b"x" * FILE_BYTES
    for entry in range(ENTRIES):
        os.mkdir(f"{spool}/x-{entry}")
        for number in range(FILES_AN_ENTRY):
            fd = os.open(f"{spool}/x-{entry}/{number}", os.O_WRONLY | os.O_CREAT, 0o600)
            os.write(fd, content)
            os.close(fd)
    return f'size_above = "{ENTRIES * FILES_AN_ENTRY * FILE_BYTES // 1024 - 1}KiB"'


def _entries(spool: Path) -> str:
    count = 500_000
    for number in range(count):
        os.close(os.open(f"{spool}/x-{number}", os.O_WRONLY | os.O_CREAT, 0o600))
    return f"entries_above = {count - 1}"


def _wide(spool: Path) -> str:
    os.mkdir(f"{spool}/x-1")
    for number in range(200_000):
        os.mkdir(f"{spool}/x-1/{number:0100d}")
    return "entries_above = 0"


def _deep(spool: Path) -> str:
    here = os.open(spool, os.O_RDONLY)
    for _ in range(20_000):
        os.mkdir("x-d", dir_fd=here)
        below = os.open("x-d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    return "entries_above = 0"
