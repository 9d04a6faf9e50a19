"""Fixtures for the tests of spools: real directories, real purges, and what a tree looks like before and after."""

from __future__ import annotations

import hashlib
import os
import select
import shutil
import stat
import struct
import subprocess
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from watchdog_oom.core.model import Clock
from watchdog_oom.core.nouns import Busy, SpoolNoun
from watchdog_oom.host.purge.job import start_purge
from watchdog_oom.host.purge.messages import PurgeNews
from watchdog_oom.host.purge.mounts import read_mountinfo
from watchdog_oom.host.purge.request import PurgeRequest

Manifest = dict[str, tuple[object, ...]]
MakeNoun = Callable[..., SpoolNoun]
Purge = Callable[..., list[PurgeNews]]
BUILD_SECONDS = 0.05


@pytest.fixture
def spool_base() -> Iterator[Path]:
    """A directory that every user can reach, as opposed to tmp_path."""
    base = Path(tempfile.mkdtemp(prefix="watchdog-oom-test-"))
    base.chmod(0o755)
    yield base
    for point in sorted(_mounts_below(base), reverse=True):
        subprocess.run(["umount", "-l", point], check=True)
    subprocess.run(["chmod", "-R", "u+rwx", str(base)], check=False, capture_output=True)
    shutil.rmtree(base) if not _deep(base) else subprocess.run(["rm", "-rf", str(base)], check=True)


@pytest.fixture
def spool_in_memory() -> Iterator[Path]:
    """A directory in which a great many can be made at once, and to any depth."""
    base = Path(tempfile.mkdtemp(prefix="watchdog-oom-test-", dir="/dev/shm"))
    base.chmod(0o755)
    yield base
    subprocess.run(["rm", "-rf", str(base)], check=True)


def _deep(base: Path) -> bool:
    return subprocess.run(["find", str(base), "-mindepth", "200", "-maxdepth", "200"], check=True,
                          capture_output=True).stdout != b""


def _mounts_below(base: Path) -> list[str]:
    return [mount.point for mount in read_mountinfo() if mount.point.startswith(f"{base}/")]


@pytest.fixture
def spool_noun() -> MakeNoun:
    """Make a noun for a path; entries ``amavis-*``, stale after the time it takes to build a test's tree."""
    def make(path: Path, *, entries: tuple[str, ...] = ("amavis-*",), stale_after: float = BUILD_SECONDS,
             busy: Busy = Busy.SKIP, limit: int | None = None) -> SpoolNoun:
        return SpoolNoun("vscan", str(path), entries, stale_after, busy, limit)
    return make


@pytest.fixture
def spool_manifest() -> Callable[[Path], Manifest]:
    """Everything of a tree that a purge must not change, by path relative to it."""
    def read(top: Path) -> Manifest:
        found: Manifest = {}
        for directory, names, files in os.walk(os.fsencode(top)):
            for name in names + files:
                path = os.path.join(directory, name)
                facts = os.lstat(path)
                content: object = None
                if stat.S_ISREG(facts.st_mode):
                    with open(path, "rb") as file:
                        content = hashlib.sha256(file.read()).hexdigest()
                elif stat.S_ISLNK(facts.st_mode):
                    content = os.readlink(path)
                relative = os.fsdecode(os.path.relpath(path, os.fsencode(top)))
                found[relative] = (facts.st_mode, facts.st_uid, facts.st_gid, facts.st_ino, content)
        return found
    return read


@pytest.fixture
def spool_purge() -> Purge:
    """Run a purge in its own processes to its end, as the loop would, and give back what it told."""
    def purge(noun: SpoolNoun, *, wait: bool = True, **more: object) -> list[PurgeNews]:
        if wait:
            spool_let_age(noun.stale_after_seconds)
        job = start_purge(PurgeRequest(noun, **more))  # type: ignore[arg-type]
        told: list[PurgeNews] = []
        deadline = time.monotonic() + 30
        while not job.done:
            assert time.monotonic() < deadline, told
            select.select([job.fileno(), job.child.pidfd], [], [], 1)
            told.extend(job.poll())
        job.close()
        return told
    return purge


def spool_let_age(seconds: float) -> None:
    """Wait until everything made so far is older than that."""
    end = time.monotonic() + seconds + 0.03  # file times come from a clock with a resolution of some milliseconds
    while (left := end - time.monotonic()) > 0:
        time.sleep(left)


@pytest.fixture
def spool_tomorrow() -> Clock:
    """A clock for which everything made today is a day old."""
    return Clock(wall=time.time() + 86400, boottime=time.clock_gettime(time.CLOCK_BOOTTIME) + 86400)


@pytest.fixture
def spool_as_user() -> Callable[[int, Callable[[], None]], None]:
    """Run a part of a test as an ordinary user, in a child; its failure is the test's."""
    def run(uid: int, part: Callable[[], None]) -> None:
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                os.close(reading)
                if os.geteuid() == 0:
                    os.setgroups([])
                    os.setresgid(uid, uid, uid)
                    os.setresuid(uid, uid, uid)
                part()
                status = 0
            except BaseException:  # noqa: BLE001 - reported by the parent
                os.write(writing, traceback.format_exc().encode())
            finally:
                os._exit(status)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            told = pipe.read()
        assert os.waitpid(pid, 0)[1] == 0, told
    return run


class SilentMount:
    """A FUSE file system whose server never answers: whoever touches it waits until ``release``."""

    def __init__(self, point: Path) -> None:
        self._point = str(point)
        self._fd = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        options = f"fd={self._fd},rootmode=40000,user_id=0,group_id=0,allow_other"
        mounted = subprocess.run(["mount", "-i", "-t", "fuse", "-o", options, "silent", self._point],
                                 pass_fds=(self._fd,), capture_output=True, text=True)
        if mounted.returncode:
            os.close(self._fd)
            pytest.skip(f"no FUSE here: {mounted.stderr.strip()}")

    def swallow(self) -> None:
        """Say hello to the kernel, then take one request and keep it: its waiter cannot even be killed."""
        header = struct.Struct("=IIQ")
        asked = os.read(self._fd, 1 << 17)
        _, _, unique = header.unpack_from(asked)
        hello = struct.pack("=IIIIHHII", 7, 31, 0, 0, 16, 12, 4096, 1).ljust(64, b"\0")
        os.write(self._fd, struct.pack("=IiQ", 16 + len(hello), 0, unique) + hello)
        os.read(self._fd, 1 << 17)

    def release(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
            subprocess.run(["umount", "-l", self._point], check=True)


@pytest.fixture
def silent_mount() -> Iterator[Callable[[Path], SilentMount]]:
    made: list[SilentMount] = []

    def mount(point: Path) -> SilentMount:
        if os.geteuid() != 0 or not os.path.exists("/dev/fuse"):
            pytest.skip("needs root and /dev/fuse")
        made.append(SilentMount(point))
        return made[-1]

    yield mount
    for each in made:
        each.release()
