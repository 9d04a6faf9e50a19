"""Purges beside file systems whose server never answers: FUSE, mounted by the tests and never served."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from watchdog_oom.core.nouns import SpoolNoun
from watchdog_oom.host.purge.messages import Cleared, Deleted, PurgeNews

MakeNoun = Callable[..., SpoolNoun]
Purge = Callable[..., list[PurgeNews]]
SECONDS = 25.0  # who waits for a dead mount waits for ever, and a busy host is slow
USER = 41234

_HOLDER = """
import ctypes, os, sys
mnt, uid, entry = sys.argv[1:]
dev = os.open("/dev/fuse", os.O_RDWR)
options = f"fd={dev},rootmode=40000,user_id={uid},group_id=0".encode()
if ctypes.CDLL(None, use_errno=True).mount(b"x", mnt.encode(), b"fuse", 0, options):
    sys.exit(os.strerror(ctypes.get_errno()))
os.dup2(os.open(mnt, os.O_PATH | os.O_DIRECTORY), 20)
if entry:
    os.dup2(os.open(entry, os.O_RDONLY), 30)
print("held", flush=True)
sys.stdin.read()
"""


def fuse_is_missing() -> str:
    """Why no FUSE file system can be mounted here; empty where it can."""
    if os.geteuid() != 0:
        return "needs root"
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
    except OSError as error:
        return f"needs /dev/fuse: {error.strerror}"
    return ""


pytestmark = [pytest.mark.root, pytest.mark.skipif(fuse_is_missing() != "", reason=fuse_is_missing())]


@contextmanager
def dead_fuse(at: Path, *, uid: int = 0, entry: Path | None = None, own_namespace: bool = True) -> Iterator[None]:
    """A process that holds the root of a FUSE mount open as descriptor 20, and a file behind it. Whoever looks at the
    first waits for ever, or is refused if the mount is another user's. It ends with the process."""
    unshare = ["unshare", "-m", "--propagation", "private"] if own_namespace else []
    with subprocess.Popen([*unshare, sys.executable, "-ISc", _HOLDER, str(at), str(uid), str(entry or "")],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        try:
            yield
        finally:
            holder.kill()


@pytest.fixture
def spool(spool_base: Path) -> Path:
    path = spool_base / "spool"
    for name in ("amavis-1", "amavis-2"):
        (path / name / "inner").mkdir(parents=True)
        (path / name / "inner" / "file").write_text("x")
    (spool_base / "mnt").mkdir()
    return path


def ends(told: list[PurgeNews]) -> tuple[Cleared, Deleted]:
    cleared, deleted = told
    assert isinstance(cleared, Cleared), told
    assert isinstance(deleted, Deleted), told
    return cleared, deleted


@pytest.mark.parametrize("uid", [pytest.param(0, id="never answers"),
                                 pytest.param(USER, id="refuses us", marks=pytest.mark.slow)])
def test_a_file_of_a_mount_that_only_its_process_sees_is_not_looked_at_and_hides_nothing_behind_it(
        uid: int, spool: Path, spool_noun: MakeNoun, spool_purge: Purge) -> None:
    with dead_fuse(spool.parent / "mnt", uid=uid, entry=spool / "amavis-2" / "inner" / "file"):
        began = time.monotonic()
        cleared, deleted = ends(spool_purge(spool_noun(spool)))
    assert (cleared.renamed, cleared.kept_busy, cleared.kept) == (1, 1, 1)
    assert deleted.entries == 1
    assert time.monotonic() - began < SECONDS


def test_a_dead_mount_inside_the_spool_keeps_its_entry_and_is_not_touched(
        spool: Path, spool_noun: MakeNoun, spool_purge: Purge) -> None:
    with dead_fuse(spool / "amavis-2" / "inner", own_namespace=False):
        began = time.monotonic()
        cleared, deleted = ends(spool_purge(spool_noun(spool)))
    assert (cleared.renamed, cleared.kept_mounted, deleted.entries) == (1, 1, 1)
    assert time.monotonic() - began < SECONDS


@pytest.mark.slow
def test_a_dead_mount_inside_the_trash_of_a_killed_purge_is_not_touched_either(
        spool: Path, spool_noun: MakeNoun, spool_purge: Purge) -> None:
    trash = spool.parent / f".watchdog-oom-trash.{spool.stat().st_ino:x}.feed"
    trash.mkdir(0o700)
    (spool / "amavis-2").rename(trash / "amavis-2")
    with dead_fuse(trash / "amavis-2" / "inner", own_namespace=False):
        began = time.monotonic()
        told = spool_purge(spool_noun(spool))
    cleared, deleted = ends(told[:2])
    assert (cleared.renamed, deleted.entries) == (1, 1)
    assert deleted.left == ("amavis-2: something is mounted on it or inside",)
    assert (trash / "amavis-2").exists()
    assert time.monotonic() - began < SECONDS
