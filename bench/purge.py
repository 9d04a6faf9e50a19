"""A full spool cleared and deleted, against the tools an administrator would take."""

from __future__ import annotations

import os
import select
import shutil
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.rounds import in_turn, timed
from bench.table import Table, ratio, spread
from watchdog_oom.core.nouns import SpoolNoun
from watchdog_oom.host.purge.job import start_purge
from watchdog_oom.host.purge.messages import Cleared, Failed
from watchdog_oom.host.purge.request import PurgeRequest

ENTRIES, FILES_EACH, FILE_BYTES = 2_000, 50, 100
FEWER_ENTRIES = 400  # where making so many files takes too long for a run of ten minutes
SLOWEST_SECONDS = 2.0  # for making and deleting SAMPLE_ENTRIES
SAMPLE_ENTRIES = 200
ROUNDS = 2
STALE_SECONDS = 0.5
SETTLE_SECONDS = 2.5  # the tools count whole seconds
PLACES = ("/var/tmp", "/dev/shm")
COLUMNS = ("filesystem", "files", "what", "s", "speed, × rm -rf", "memory grew by MiB", "loop late ms: median, worst")
HOW = (f"Files of {FILE_BYTES} bytes, {FILES_EACH} in an entry; {ROUNDS} rounds in turn, each on a spool made anew: "
       "median (smallest–largest). Cleared: every entry was judged and renamed away, so that services may start. "
       "Deleted: no file is left. The spool's owner is the one who runs this. The memory is that of the purge's "
       "processes, from their first sighting; late is a loop that wants to wake every 20 ms meanwhile. Fewer files "
       "where the disk is so slow that the whole would take more than ten minutes.")


def run() -> tuple[Table, ...]:
    rows: list[tuple[str, ...]] = []
    notes = [HOW, *(f"{name}: not installed, skipped." for name in ("systemd-tmpfiles", "tmpreaper")
                    if not shutil.which(name))]
    for place in PLACES:
        if os.access(place, os.W_OK):
            rows += _compare(place)
        else:
            notes.append(f"{place}: not writable here, skipped.")
    if _Ours.unseen:
        notes.append("What some processes use could not be told here, so the kernel was asked about each file (a "
                     "lease: three system calls more). Where all processes can be seen that is spared.")
    return (Table("purge", COLUMNS, tuple(rows), tuple(notes)),)


def _compare(place: str) -> list[tuple[str, ...]]:
    entries = _bearable_entries(place)
    ours = _Ours()
    tools = {"rm": _rm, "find": _find, "systemd-tmpfiles": _tmpfiles, "tmpreaper": _tmpreaper}
    contestants: dict[str, Callable[[Path], object]] = {"watchdog-oom": ours.purge}
    contestants |= {name: work for name, work in tools.items() if shutil.which(name)}
    took = in_turn({name: _on_a_new_spool(place, entries, work) for name, work in contestants.items()},
                   ROUNDS)
    deleted, base = took.pop("watchdog-oom"), took["rm"]
    on = (_filesystem(place), f"{entries * FILES_EACH:,}")
    rows: list[tuple[str, ...]] = [
        (*on, "watchdog-oom, cleared", spread(ours.cleared, digits=2), "–", "–", "–"),
        (*on, "watchdog-oom, deleted", spread(deleted, digits=2), ratio(base, deleted), spread(ours.grown_mib),
         f"{statistics.median(ours.late_ms):.2f}, {max(ours.late_ms):.1f}")]
    names = {"rm": "rm -rf", "find": "find -delete", "systemd-tmpfiles": "systemd-tmpfiles --clean"}
    return rows + [(*on, names.get(name, name), spread(values, digits=2), ratio(base, values), "–", "–")
                   for name, values in took.items()]


def _bearable_entries(place: str) -> int:
    with tempfile.TemporaryDirectory(dir=place, prefix="bench-") as directory:
        sample = Path(directory) / "sample"
        sample.mkdir()
        took = timed(lambda: _fill(sample, SAMPLE_ENTRIES)) + timed(lambda: _rm(sample))
    return FEWER_ENTRIES if took > SLOWEST_SECONDS * 1000 else ENTRIES


def _on_a_new_spool(place: str, entries: int, work: Callable[[Path], object]) -> Callable[[], float]:
    def measure() -> float:
        with _spool(place, entries) as spool:
            took = timed(lambda: work(spool)) / 1000
            left = sum(len(files) for _, _, files in os.walk(spool))
            if left:
                raise SystemExit(f"{work.__name__}: {left} files were left, so nothing was measured")
            return took
    return measure


@contextmanager
def _spool(place: str, entries: int) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=place, prefix="bench-") as directory:
        spool = Path(directory) / "spool"
        spool.mkdir(mode=0o700)
        _fill(spool, entries)
        time.sleep(SETTLE_SECONDS)
        yield spool


def _fill(spool: Path, entries: int) -> None:
    content = b"x" * FILE_BYTES
    for entry in range(entries):
        os.mkdir(f"{spool}/entry-{entry}", 0o700)
        for number in range(FILES_EACH):
            fd = os.open(f"{spool}/entry-{entry}/part-{number}", os.O_WRONLY | os.O_CREAT, 0o600)
            os.write(fd, content)
            os.close(fd)
    spool_fd = os.open(spool, os.O_RDONLY)
    os.fsync(spool_fd)
    os.close(spool_fd)


class _Ours:
    """The daemon's own purge, watched from a loop like the daemon's. ``unseen`` is the most processes of which it could
    not be told what they use, in any round."""

    unseen = 0

    def __init__(self) -> None:
        self.cleared: list[float] = []
        self.grown_mib: list[float] = []
        self.late_ms: list[float] = []

    def purge(self, spool: Path) -> None:
        began = time.perf_counter()
        job = start_purge(PurgeRequest(SpoolNoun("bench", str(spool), ("entry-*",), STALE_SECONDS)))
        memory = _Memory(job.child.pid)
        watch = threading.Thread(target=memory.follow)
        watch.start()
        while not job.done:
            asked = time.perf_counter() + 0.02
            ready, _, _ = select.select([job.fileno(), job.child.pidfd], [], [], 0.02)
            if not ready:
                self.late_ms.append((time.perf_counter() - asked) * 1000)
            for news in job.poll():
                if isinstance(news, Cleared):
                    self.cleared.append(time.perf_counter() - began)
                    _Ours.unseen = max(_Ours.unseen, news.unseen)
                if isinstance(news, Failed):
                    raise SystemExit(f"the purge failed: {news}")
        memory.ended.set()
        watch.join()
        job.close()
        self.grown_mib.append(memory.grown_kib / 1024)


class _Memory:
    """How much a process and all its descendants grew while they were followed."""

    def __init__(self, pid: int) -> None:
        self.ended = threading.Event()
        self._pid = pid
        self._first: dict[int, int] = {}
        self._most: dict[int, int] = {}

    @property
    def grown_kib(self) -> int:
        return sum(most - self._first[pid] for pid, most in self._most.items())

    def follow(self) -> None:
        while not self.ended.wait(0.05):
            with suppress(OSError, StopIteration):
                for pid in _family(self._pid):
                    status = Path(f"/proc/{pid}/status").read_text().splitlines()
                    anonymous = next(int(line.split()[1]) for line in status if line.startswith("RssAnon:"))
                    self._first.setdefault(pid, anonymous)
                    self._most[pid] = max(anonymous, self._most.get(pid, 0))


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(member for child in children for member in _family(int(child)))]


def _rm(spool: Path) -> None:
    subprocess.run(["rm", "-rf", str(spool)], check=True)


def _find(spool: Path) -> None:
    subprocess.run(["find", str(spool), "-mindepth", "1", "-delete"], check=True)


def _tmpfiles(spool: Path) -> None:
    rule = spool.parent / "spool.conf"
    rule.write_text(f"e {spool} - - - 1s\n")
    subprocess.run(["systemd-tmpfiles", "--clean", str(rule)], check=True)


def _tmpreaper(spool: Path) -> None:
    subprocess.run(["tmpreaper", "--mtime", "--runtime=3600", "1s", str(spool)], check=True, stderr=subprocess.DEVNULL)


def _filesystem(place: str) -> str:
    """The type of the filesystem, from the longest mount point that leads there."""
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    found = [(point, kind) for point, kind in mounts if place == point or place.startswith(point.rstrip("/") + "/")]
    return max(found, key=lambda mount: len(mount[0]))[1]
