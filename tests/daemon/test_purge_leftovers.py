"""What a stop, a crash or SIGKILL kept from being deleted: shown, and finished by the next daemon."""

from __future__ import annotations

from pathlib import Path

from tests.miniature.daemon import MakeDaemon


def policy_for(spool: Path) -> str:
    return f'[spool.s]\npath = "{spool}"\nentries = "amavis-*"\nstale_after = "100ms"\n'


def leave_trash(home: Path) -> tuple[Path, Path]:
    """A spool, and beside it the trash of a purge that was killed."""
    spool = home / "var" / "spool"
    (spool / "amavis-stale").mkdir(parents=True)
    trash = spool.parent / f".watchdog-oom-trash.{spool.stat().st_ino:x}.feed"
    trash.mkdir(0o700)
    for name in ("amavis-1", "amavis-2"):
        (trash / name).mkdir()
        (trash / name / "file").write_text("x")
    return spool, trash


def test_what_an_earlier_daemon_left_in_the_trash_is_deleted_and_told_and_the_spool_is_left_alone(
        daemon: MakeDaemon, home: Path) -> None:
    spool, trash = leave_trash(home)
    watch = daemon(policy_for(spool))
    watch.start()
    watch.wait_for(lambda: watch.records("outcome", rule="spool.s"), 10, "the end of the sweep")
    (begun,), (over,) = watch.records("intent", rule="spool.s"), watch.records("outcome", rule="spool.s")
    assert begun["because"] == ["an earlier purge left 2 entries in 1 trash directory still to be deleted"]
    assert begun["id"] == over["id"]
    assert over["result"].startswith("2 entries deleted")
    assert not trash.exists()
    assert (spool / "amavis-stale").exists()
    watch.wait_for(lambda: watch.status()["trash"] == {}, 10, "a status without trash")


def test_a_daemon_that_only_observes_shows_it_in_status_and_lets_it_be(daemon: MakeDaemon, home: Path) -> None:
    spool, trash = leave_trash(home)
    watch = daemon(policy_for(spool))
    watch.start("--observe")
    shown = {"s": {"directories": 1, "entries": 2}}
    watch.wait_for(lambda: watch.status()["trash"] == shown, 10, "the trash in status")
    assert sorted(path.name for path in trash.iterdir()) == ["amavis-1", "amavis-2"]
    assert watch.records("intent") == []
