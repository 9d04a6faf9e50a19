from __future__ import annotations

import fcntl
import mmap
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.examples import every
from watchdog_oom.core.nouns import Busy, SpoolNoun
from watchdog_oom.host.purge.job import PurgeJob, start_purge
from watchdog_oom.host.purge.messages import Cleared, Deleted, Failed, PurgeNews, Remaining
from watchdog_oom.host.purge.request import PurgeRequest

USER = 41234
OTHER = 41235
STALE = 0.3
SECONDS = 20.0
ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
MakeNoun = Callable[..., SpoolNoun]
Purge = Callable[..., list[PurgeNews]]
ReadManifest = Callable[[Path], dict[str, tuple[object, ...]]]


def make_entry(spool: Path, name: str, files: int = 3) -> Path:
    entry = spool / name
    entry.mkdir()
    for number in range(files):
        (entry / f"part-{number}").write_bytes(b"mail " * number)
    return entry


def give(path: Path, uid: int) -> None:
    subprocess.run(["chown", "-hR", f"{uid}:{uid}", str(path)], check=True)


def hold_open(path: Path) -> subprocess.Popen[bytes]:
    holder = subprocess.Popen(["/bin/sh", "-c", 'exec 3<"$0"; echo held; read -r line', str(path)],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    return holder


def let_go(holder: subprocess.Popen[bytes]) -> None:
    holder.communicate()


def make_fresh(entry: Path) -> None:
    """Younger than any limit, however slow the test runs: one file deep inside is of tomorrow."""
    inside = entry / "deep" / "deeper"
    inside.mkdir(parents=True)
    (inside / "new").write_text("new")
    tomorrow = time.time() + 86400
    os.utime(inside / "new", (tomorrow, tomorrow))


def ends(told: list[PurgeNews]) -> tuple[Cleared, Deleted]:
    cleared, deleted = (news for news in told if not isinstance(news, Remaining))
    assert isinstance(cleared, Cleared), told
    assert isinstance(deleted, Deleted), told
    return cleared, deleted


def the_incident(base: Path, *, entries: int, files: int) -> tuple[Path, Path]:
    spool = base / "tmp"
    spool.mkdir()
    for number in range(entries):
        make_entry(spool, f"amavis-{number:03d}", files=files)
    for number in range(5):
        make_fresh(make_entry(spool, f"amavis-fresh-{number}"))
    os.mkdir(os.fsencode(spool) + b"/amavis-\xff\xfe")
    Path(os.fsdecode(os.fsencode(spool) + b"/amavis-\xff\xfe/x")).write_text("x")
    held = make_entry(spool, "amavis-held") / "part-1"
    (spool / "amavis-link").symlink_to("/etc")
    make_entry(spool, "other-name")
    make_entry(spool, ".amavis-hidden")
    return spool, held


@pytest.mark.root
@ROOT
@pytest.mark.parametrize(("entries", "files"), [(30, 5), pytest.param(400, 40, marks=pytest.mark.slow)])
def test_exactly_the_stale_free_and_plain_entries_go_and_all_else_is_as_it_was(
        entries: int, files: int, spool_base: Path, spool_noun: MakeNoun, spool_purge: Purge,
        spool_manifest: ReadManifest) -> None:
    spool, held = the_incident(spool_base, entries=entries, files=files)
    elsewhere = make_entry(spool_base, "elsewhere")
    (make_entry(spool, "amavis-mount") / "mnt").mkdir()
    give(spool_base, USER)
    give(make_entry(spool, "amavis-of-another"), OTHER)
    subprocess.run(["mount", "--bind", str(elsewhere), str(spool / "amavis-mount" / "mnt")], check=True)
    before = spool_manifest(spool_base)
    etc = spool_manifest(Path("/etc"))
    holder = hold_open(held)
    try:
        cleared, deleted = ends(spool_purge(spool_noun(spool, stale_after=STALE)))
    finally:
        let_go(holder)
    gone = before.keys() - spool_manifest(spool_base).keys()
    assert {path.split("/")[1] for path in gone} == {"amavis-\udcff\udcfe"}.union(
        f"amavis-{n:03d}" for n in range(entries))
    assert spool_manifest(spool_base) == {path: facts for path, facts in before.items() if path not in gone}
    assert spool_manifest(Path("/etc")) == etc
    assert (cleared.renamed, cleared.kept, cleared.kept_busy, cleared.kept_fresh) == (entries + 1, 9, 1, 5)
    assert (cleared.kept_links, cleared.kept_foreign, cleared.kept_mounted) == (1, 1, 1)
    assert (deleted.entries, deleted.files, deleted.restored, deleted.left) == (
        entries + 1, entries * files + 1, 0, ())


def test_an_ordinary_user_purges_what_is_his_and_nothing_else_changes(
        spool_base: Path, spool_noun: MakeNoun, spool_purge: Purge, spool_manifest: ReadManifest,
        spool_as_user: Callable[[int, Callable[[], None]], None]) -> None:
    spool, held = the_incident(spool_base, entries=50, files=10)
    if os.geteuid() == 0:
        give(spool_base, USER)
        give(make_entry(spool, "amavis-of-another"), OTHER)
    before = spool_manifest(spool_base)

    def purge() -> None:
        holder = hold_open(held)
        try:
            cleared, deleted = ends(spool_purge(spool_noun(spool, stale_after=STALE)))
        finally:
            let_go(holder)
        assert (cleared.renamed, cleared.kept_busy, cleared.kept_fresh) == (51, 1, 5)
        assert deleted.entries == 51

    spool_as_user(USER, purge)
    gone = before.keys() - spool_manifest(spool_base).keys()
    assert {path.split("/")[1] for path in gone} == {f"amavis-{n:03d}" for n in range(50)} | {"amavis-\udcff\udcfe"}
    assert spool_manifest(spool_base) == {path: facts for path, facts in before.items() if path not in gone}


@pytest.mark.root
@ROOT
def test_an_entry_in_which_a_single_file_is_mounted_stays_whole(
        spool_base: Path, spool_noun: MakeNoun, spool_purge: Purge, spool_manifest: ReadManifest) -> None:
    spool = spool_base / "tmp"
    spool.mkdir()
    entry = make_entry(spool, "amavis-with space")
    (spool_base / "precious").write_text("precious")
    subprocess.run(["mount", "--bind", str(spool_base / "precious"), str(entry / "part-1")], check=True)
    before = spool_manifest(spool_base)
    cleared, _ = ends(spool_purge(spool_noun(spool)))
    assert (cleared.renamed, cleared.kept, cleared.kept_mounted) == (0, 1, 1)
    assert spool_manifest(spool_base) == before


@pytest.mark.root
@ROOT
def test_the_worker_is_the_owner_for_good_holds_no_capability_and_is_out_of_reach_of_his_processes(
        spool_base: Path, spool_noun: MakeNoun) -> None:
    spool = spool_base / "tmp"
    spool.mkdir()
    make_entry(spool, "amavis-1")
    give(spool_base, USER)
    job = start_up_to_the_second_look(spool, spool_noun(spool, stale_after=0.0))
    worker = worker_of(job)
    lines = Path(f"/proc/{worker}/status").read_text().splitlines()
    stop = subprocess.run(["setpriv", f"--reuid={USER}", "--clear-groups", "kill", "-STOP", worker], check=False,
                          capture_output=True, text=True)
    job.close()
    assert "not permitted" in stop.stderr
    status = {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}
    real, effective, saved, of_files = map(int, status["Uid"].split())
    assert (effective, of_files) == (USER, USER)
    assert real == saved == 2**32 - 3
    assert status["Gid"] == f"{USER}\t" * 3 + str(USER)
    assert status["Groups"] == ""
    assert {status[key] for key in ("CapPrm", "CapEff", "CapAmb")} == {"0" * 16}


@pytest.mark.root
@ROOT
@pytest.mark.parametrize("rounds", every(range(4), 2))
def test_no_file_outside_is_lost_to_a_user_who_swaps_entries_for_symlinks_meanwhile(
        rounds: range, spool_base: Path, spool_noun: MakeNoun, spool_purge: Purge,
        spool_manifest: ReadManifest) -> None:
    spool, precious = spool_base / "tmp", spool_base / "precious"
    spool.mkdir()
    precious.mkdir()
    make_entry(precious, "data", files=50)
    for number in range(60):
        make_entry(spool, f"amavis-{number}")
    give(spool_base, USER)
    before = spool_manifest(precious)
    staging = spool_base / "staging"
    staging.mkdir()
    swaps = mmap.mmap(-1, 8)
    attacker = os.fork()
    if attacker == 0:
        swap_for_ever(spool, precious / "data", swaps)
    taken = 0
    try:
        for made_so_far in rounds:
            cleared, _ = ends(spool_purge(spool_noun(spool, stale_after=0.0), wait=False))
            taken += cleared.renamed
            for number in range(60):
                made = make_entry(staging, f"{made_so_far}-{number}")
                for path in (made, *made.iterdir()):
                    os.chown(path, USER, USER)
                with suppress(OSError):
                    made.rename(spool / f"amavis-{number}")
    finally:
        os.kill(attacker, signal.SIGKILL)
        os.waitpid(attacker, 0)
    assert spool_manifest(precious) == before
    assert int.from_bytes(swaps[:8], "little") > 0
    assert taken > 0


def swap_for_ever(spool: Path, precious: Path, swaps: mmap.mmap) -> None:
    """As the owner of the spool could: now the entry, now a symlink to what is precious; the same for a file inside."""
    done = 0
    while True:
        for number in range(60):
            for target in (spool / f"amavis-{number}", spool / f"amavis-{number}" / "part-0"):
                with suppress(OSError):
                    aside = spool.parent / "aside"
                    target.rename(aside)
                    target.symlink_to(precious)
                    os.chown(target, USER, USER, follow_symlinks=False)
                    target.unlink()
                    aside.rename(target)
                    done += 1
                    swaps[:8] = done.to_bytes(8, "little")


def test_an_entry_in_use_goes_where_the_policy_ignores_that(
        spool_base: Path, spool_noun: MakeNoun, spool_purge: Purge) -> None:
    holder = hold_open(make_entry(spool_base, "amavis-1") / "part-1")
    try:
        told = spool_purge(spool_noun(spool_base, busy=Busy.IGNORE))
    finally:
        let_go(holder)
    assert ends(told)[1].entries == 1


@pytest.mark.parametrize("use", [pytest.param("cwd", marks=pytest.mark.slow), "mapped",
                                 pytest.param("socket", marks=pytest.mark.slow)])
def test_an_entry_stays_that_is_in_use_without_an_open_file(
        use: str, spool_base: Path, spool_noun: MakeNoun, spool_purge: Purge) -> None:
    entry = make_entry(spool_base, "amavis-1")
    code = {"cwd": "os.chdir(sys.argv[1] + '/deep')",
            "mapped": "f = open(sys.argv[1] + '/part-1'); m = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ); f.close()",
            "socket": "s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1] + '/sock'); s.listen()"}[use]
    (entry / "deep").mkdir()
    holder = subprocess.Popen(
        [sys.executable, "-ISc", f"import os, sys, mmap, socket; {code}; print('held', flush=True); sys.stdin.read()",
         str(entry)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    try:
        cleared, _ = ends(spool_purge(spool_noun(spool_base)))
    finally:
        let_go(holder)
    assert (cleared.renamed, cleared.kept_busy) == (0, 1)
    assert (entry / "part-1").exists()


def test_no_more_entries_go_than_the_smallest_limit_allows(
        spool_base: Path, spool_noun: MakeNoun, spool_purge: Purge) -> None:
    for number in range(10):
        make_entry(spool_base, f"amavis-{number}")
    cleared, deleted = ends(spool_purge(spool_noun(spool_base, limit=3), limit=5))
    assert (cleared.renamed, cleared.limited, deleted.entries) == (3, True, 3)
    assert len(list(spool_base.glob("amavis-*"))) == 7


def test_a_spool_that_is_a_symlink_is_refused_in_words(
        spool_base: Path, spool_noun: MakeNoun, spool_purge: Purge) -> None:
    make_entry(spool_base, "amavis-1")
    link = spool_base.with_name(spool_base.name + "-link")
    link.symlink_to(spool_base)
    try:
        told = spool_purge(spool_noun(link))
    finally:
        link.unlink()
    assert told == [Failed(f"{link} is a symbolic link; name the directory it points to")]
    assert (spool_base / "amavis-1" / "part-1").exists()


@pytest.mark.slow
def test_a_tree_of_three_thousand_levels_goes(spool_base: Path, spool_noun: MakeNoun, spool_purge: Purge) -> None:
    make_deep(spool_base, "amavis-deep", 3000)
    cleared, deleted = ends(spool_purge(spool_noun(spool_base)))
    assert (cleared.renamed, deleted.entries, deleted.left) == (1, 1, ())
    assert list(spool_base.iterdir()) == []


def make_deep(base: Path, name: str, levels: int) -> None:
    fd = os.open(base, os.O_RDONLY)
    for level in range(levels):
        os.mkdir(name if level == 0 else "d", dir_fd=fd)
        below = os.open(name if level == 0 else "d", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(os.open("leaf", os.O_CREAT | os.O_WRONLY, dir_fd=fd))
    os.close(fd)


def test_the_other_name_of_a_hard_link_keeps_its_content(
        spool_base: Path, spool_noun: MakeNoun, spool_purge: Purge) -> None:
    spool = spool_base / "tmp"
    spool.mkdir()
    inside = make_entry(spool, "amavis-1") / "part-2"
    os.link(inside, spool_base / "kept")
    assert ends(spool_purge(spool_noun(spool)))[1].entries == 1
    assert (spool_base / "kept").read_bytes() == b"mail " * 2


@pytest.mark.root
@ROOT
def test_a_directory_that_its_owner_cannot_read_stays_and_one_he_cannot_write_goes(
        spool_base: Path, spool_noun: MakeNoun, spool_purge: Purge) -> None:
    spool = spool_base / "tmp"
    spool.mkdir()
    for name, mode in (("amavis-closed", 0o000), ("amavis-readable", 0o500)):
        inner = make_entry(make_entry(spool, name), "inner")
        inner.chmod(mode)
    give(spool_base, USER)
    cleared, deleted = ends(spool_purge(spool_noun(spool)))
    assert (cleared.renamed, cleared.kept_other, cleared.other) == (1, 1, ("amavis-closed: it cannot be read",))
    assert (deleted.entries, deleted.left) == (1, ())
    assert (spool / "amavis-closed" / "inner").stat().st_mode & 0o777 == 0


@pytest.mark.root
@ROOT
def test_what_cannot_be_deleted_is_reported_and_the_rest_goes(
        spool_base: Path, spool_noun: MakeNoun, spool_purge: Purge) -> None:
    spool = spool_base / "tmp"
    spool.mkdir()
    stuck = make_entry(spool, "amavis-stuck") / "part-1"
    make_entry(spool, "amavis-loose")
    if subprocess.run(["chattr", "+i", str(stuck)], check=False, capture_output=True).returncode != 0:
        pytest.skip("the filesystem knows no immutable files")
    trashed = []
    try:
        told = spool_purge(spool_noun(spool))
        cleared, deleted = ends(told)
    finally:
        trashed = list(spool_base.rglob("part-1"))
        for path in trashed:
            subprocess.run(["chattr", "-i", str(path)], check=True)
    assert (cleared.renamed, deleted.entries, deleted.left_count) == (2, 1, 1)
    assert deleted.left == ("amavis-stuck/part-1: Operation not permitted",)
    assert told[-1] == Remaining(1, 1)
    assert len(trashed) == 1
    assert ends(spool_purge(spool_noun(spool)))[1].entries == 1
    assert not trashed[0].exists()


@pytest.mark.root
@ROOT
def test_a_spool_without_a_free_inode_is_purged_all_the_same(
        spool_base: Path, spool_noun: MakeNoun, spool_purge: Purge) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "nr_inodes=60,mode=0755", "none", str(spool_base)], check=True)
    try:
        with pytest.raises(OSError, match="No space left"):
            for number in range(60):
                make_entry(spool_base, f"amavis-{number}", files=2)
        made = len(list(spool_base.iterdir()))
        cleared, deleted = ends(spool_purge(spool_noun(spool_base)))
        assert (cleared.renamed, deleted.entries) == (made, made)
        assert list(spool_base.iterdir()) == []
    finally:
        subprocess.run(["umount", str(spool_base)], check=True)


def wait_for(job: PurgeJob, kind: type[PurgeNews]) -> list[PurgeNews]:
    told: list[PurgeNews] = []
    deadline = time.monotonic() + 10
    while not any(isinstance(news, kind) for news in told):
        assert time.monotonic() < deadline, told
        select.select([job.fileno(), job.child.pidfd], [], [], 0.1)
        told.extend(job.poll())
    return told


def start_up_to_the_second_look(spool: Path, noun: SpoolNoun) -> PurgeJob:
    """Start a purge and come back when it has cleared the spool; its second look at who uses what then lasts for ever:
    in a directory as /proc a pipe stands for a file, and only the first reader is answered."""
    proc = spool.parent / "proc"
    (proc / "10" / "fd").mkdir(parents=True)
    os.mkfifo(proc / "10" / "maps")
    job = start_purge(PurgeRequest(noun, proc_root=str(proc), patience_seconds=SECONDS))
    deadline = time.monotonic() + 10
    while True:
        with suppress(OSError):  # ENXIO: nobody reads yet
            answer = os.open(proc / "10" / "maps", os.O_WRONLY | os.O_NONBLOCK)
            os.close(answer)
            break
        assert time.monotonic() < deadline
        time.sleep(0.005)
    wait_for(job, Cleared)
    return job


def worker_of(job: PurgeJob) -> str:
    """The supervisor's first child; behind it may stand the one that looks who uses what."""
    return Path(f"/proc/{job.child.pid}/task/{job.child.pid}/children").read_text().split()[0]


def test_a_purge_that_was_killed_says_so_and_the_next_one_finishes_its_work(
        spool_base: Path, spool_noun: MakeNoun, spool_purge: Purge) -> None:
    spool = spool_base / "tmp"
    spool.mkdir()
    for number in range(5):
        make_entry(spool, f"amavis-{number}")
    make_fresh(make_entry(spool, "amavis-fresh"))
    noun = spool_noun(spool, stale_after=0.0)
    job = start_up_to_the_second_look(spool, noun)
    job.cancel()
    (failed,) = wait_for(job, Failed)
    assert failed == Failed("the purge ended with status 137 before it was finished")
    assert job.done
    job.close()
    assert len(list(spool_base.glob(".watchdog-oom-trash.*/amavis-*"))) == 5
    until_nobody_holds_the_trash(spool_base)
    assert ends(spool_purge(noun))[1].entries == 5
    assert sorted(path.name for path in spool_base.iterdir()) == ["proc", "tmp"]
    assert [path.name for path in spool.iterdir()] == ["amavis-fresh"]


def until_nobody_holds_the_trash(base: Path) -> None:
    (trash,) = base.glob(".watchdog-oom-trash.*")
    fd = os.open(trash, os.O_RDONLY)
    deadline = time.monotonic() + 5
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        else:
            os.close(fd)
            return


def runs(pid: int) -> bool:
    with suppress(FileNotFoundError, ProcessLookupError):
        return b") Z " not in Path(f"/proc/{pid}/stat").read_bytes()
    return False


def test_the_worker_does_not_outlive_a_killed_supervisor(spool_base: Path, spool_noun: MakeNoun) -> None:
    spool = spool_base / "tmp"
    spool.mkdir()
    make_entry(spool, "amavis-1")
    job = start_up_to_the_second_look(spool, spool_noun(spool, stale_after=0.0))
    worker = worker_of(job)
    signal.pidfd_send_signal(job.child.pidfd, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while runs(int(worker)):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    wait_for(job, Failed)
    job.close()


def test_a_worker_that_is_killed_is_a_failure_and_what_it_cleared_waits(
        spool_base: Path, spool_noun: MakeNoun) -> None:
    spool = spool_base / "tmp"
    spool.mkdir()
    make_entry(spool, "amavis-1")
    job = start_up_to_the_second_look(spool, spool_noun(spool, stale_after=0.0))
    worker = worker_of(job)
    os.kill(int(worker), signal.SIGKILL)
    news: tuple[PurgeNews, ...] = ()
    deadline = time.monotonic() + 10
    while not news:
        assert time.monotonic() < deadline
        with suppress(OSError):  # the supervisor may be at its second look, or not get that far
            os.close(os.open(spool_base / "proc" / "10" / "maps", os.O_WRONLY | os.O_NONBLOCK))
        select.select([job.fileno()], [], [], 0.01)
        news = job.poll()
    assert news[0] == Failed("the purge's worker was killed by signal 9 before it was finished")
    assert len(list(spool_base.glob(".watchdog-oom-trash.*/amavis-1"))) == 1
    job.close()


@pytest.mark.root
@ROOT
def test_the_trash_of_another_user_is_never_emptied(
        spool_base: Path, spool_noun: MakeNoun, spool_purge: Purge) -> None:
    spool = spool_base / "tmp"
    spool.mkdir()
    forged = spool_base / f".watchdog-oom-trash.{spool.stat().st_ino:x}.feed"
    forged.mkdir(0o700)
    make_entry(forged, "amavis-1")
    give(forged, OTHER)
    ends(spool_purge(spool_noun(spool)))
    assert (forged / "amavis-1" / "part-1").exists()
