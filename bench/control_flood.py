"""The control socket under attack: an ordinary user who connects, root who sends garbage, halves, drips and floods.

Each attack meets a daemon of its own. How late its loop was is the daemon's own figure of every round, which here is
written down as well; memory is the kernel's.
"""

from __future__ import annotations

import json
import os
import re
import socket
import statistics
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench.daemons import Home, home, python, running, warm_up
from bench.machine import interpreter
from bench.table import Table

ATTACK_SECONDS = 5.0
REQUESTS = 10_000
MOST_OPEN = 64
NOBODY = 65534
GOOD = b'{"v": 1, "ask": "rearm", "rule": "no-such-rule", "why": "bench"}\n'
# Every round's lateness into a file, and otherwise the daemon as it is.
WITH_LATENESS = """
from watchdog_oom.daemon.reporter import Reporter
told, file = Reporter.lateness, open({path!r}, "w", buffering=1)
def lateness(self, late_seconds, write):
    print(late_seconds, file=file)
    told(self, late_seconds, write)
Reporter.lateness = lateness
from watchdog_oom.daemon import main
main()
"""
AS_NOBODY = """
import collections, socket, sys, time
counts, end = collections.Counter(), time.monotonic() + float(sys.argv[2])
while time.monotonic() < end or counts.total() < int(sys.argv[3]):
    with socket.socket(socket.AF_UNIX) as one:
        try:
            one.connect(sys.argv[1])
            counts["connected"] += 1
        except OSError as error:
            counts[error.strerror] += 1
print(", ".join(f"{count:,} × {what}" for what, count in counts.items()))
"""


def run() -> tuple[Table, ...]:
    warm_up()
    attacks: Mapping[str, Callable[[str], str]] = {
        "none": _nothing, "an ordinary user connects": _as_nobody, "root: garbage": _flood(b"\x00\xff{]" * 50 + b"\n"),
        "root: half a line, and gone": _flood(GOOD[:20]), "root: 64 KiB without an end": _flood(b"x" * 65536),
        "root: a byte every 100 ms": _drip, f"root: {REQUESTS:,} good requests": _flood(GOOD)}
    rows = [(name, *_measure(attack)) for name, attack in attacks.items()
            if os.geteuid() == 0 or attack is not _as_nobody]
    how = (f"{ATTACK_SECONDS:.0f} s each, and at least {REQUESTS:,} connections where they are not held open; as many "
           f"as one process can make, up to {MOST_OPEN} at a time. Lateness is how much longer than planned a round "
           "took, 0 for one that was woken early. A connection that the kernel refuses because the queue is full never "
           "reaches the daemon.")
    columns = ("attack", "rounds", "late: median ms", "max ms", "RSS before MiB", "after", "CPU %", "records",
               "came out")
    return (Table("control", columns, tuple(rows), (how,)),)


def _measure(attack: Callable[[str], str]) -> tuple[str, ...]:
    with ExitStack() as stack:
        made = stack.enter_context(home(directory="/tmp"))  # an ordinary user must get to the socket itself
        lateness = made.path / "lateness"
        process = stack.enter_context(running(_daemon(made, lateness), ready=True))
        time.sleep(3.0)
        before, began, used = _rss_mib(process.pid), lateness.stat().st_size, _cpu_seconds(process.pid)
        started = time.monotonic()
        came_out = attack(str(made.path / "runtime" / "control"))
        percent = (_cpu_seconds(process.pid) - used) / (time.monotonic() - started) * 100
        after = _rss_mib(process.pid)
        with lateness.open() as file:
            file.seek(began)
            late_ms = [max(0.0, float(line)) * 1000 for line in file.read().splitlines()]
        journal = (made.path / "log" / "audit.jsonl").read_bytes()
        records = sum(json.loads(line)["kind"] == "request" for line in journal.splitlines() if line.startswith(b"{"))
    return (str(len(late_ms)), f"{statistics.median(late_ms):.1f}", f"{max(late_ms):.1f}", f"{before:.1f}",
            f"{after:.1f}", f"{percent:.1f}", str(records), came_out)


def _daemon(made: Home, lateness: Path) -> list[str]:
    code = f"exec({WITH_LATENESS.format(path=str(lateness))!r})"
    return python(code, *made.options(), "--observe")


def _nothing(_path: str) -> str:
    time.sleep(ATTACK_SECONDS)
    return "–"


def _as_nobody(path: str) -> str:
    told = subprocess.run([interpreter(), "-I", "-S", "-c", AS_NOBODY, path, str(ATTACK_SECONDS), str(REQUESTS)],
                          user=NOBODY, group=NOBODY, extra_groups=[], check=True, capture_output=True, text=True,
                          cwd="/")
    return told.stdout.strip()


@dataclass(slots=True)
class Crowd:
    """Connections of one process, none of which is waited for."""

    path: str
    open: list[socket.socket] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def connect(self, data: bytes) -> socket.socket | None:
        one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            one.connect(self.path)
        except BlockingIOError:
            self.counts["refused by the kernel, the queue was full"] += 1
            one.close()
            return None
        with suppress(OSError):
            one.send(data, socket.MSG_NOSIGNAL)
        self.open.append(one)
        return one

    def hear(self, *, most: int) -> None:
        """Take the answers that are there; of too many that wait the oldest hangs up."""
        for one in tuple(self.open):
            with suppress(BlockingIOError):
                try:
                    told = one.recv(4096)
                except ConnectionResetError:
                    told = b""
                self._count(told)
                self._close(one)
        while len(self.open) > most:
            self.counts["hung up"] += 1
            self._close(self.open[0])

    def words(self) -> str:
        for one in tuple(self.open):
            self._close(one)
        return ", ".join(f"{count:,} × {what}" for what, count in self.counts.most_common())

    def _count(self, told: bytes) -> None:
        answer = json.loads(told.splitlines()[0]) if told.startswith(b"{") else {}
        words = str(answer.get("words", "closed without a word"))
        busy = words.startswith("too many")
        self.counts["told to come back" if busy else f"answered ({answer['exit']})" if answer else words] += 1

    def _close(self, one: socket.socket) -> None:
        self.open.remove(one)
        one.close()


def _flood(data: bytes) -> Callable[[str], str]:
    def flood(path: str) -> str:
        crowd, end, made = Crowd(path), time.monotonic() + ATTACK_SECONDS, 0
        while time.monotonic() < end or made < REQUESTS:
            one = crowd.connect(data)
            made += 1
            if one is not None and not data.endswith(b"\n") and len(data) < 4096:
                one.shutdown(socket.SHUT_WR)
            crowd.hear(most=MOST_OPEN)
        return crowd.words()
    return flood


def _drip(path: str) -> str:
    crowd, end = Crowd(path), time.monotonic() + ATTACK_SECONDS
    while time.monotonic() < end:
        while len(crowd.open) < MOST_OPEN and crowd.connect(b"{") is not None:
            pass
        for one in crowd.open:
            with suppress(OSError):
                one.send(b" ", socket.MSG_NOSIGNAL)
        crowd.hear(most=MOST_OPEN)
        time.sleep(0.1)
    return crowd.words()


def _rss_mib(pid: int) -> float:
    found = re.search(r"^VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def _cpu_seconds(pid: int) -> float:
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
