"""What a stop, a crash or SIGKILL kept from being deleted: shown, and finished by the next daemon."""

from __future__ import annotations

from pathlib import Path

import pytest

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


def test_trash_that_no_daemon_knew_of_is_found_and_finished_and_the_spool_is_left_alone(
        daemon: MakeDaemon, home: Path) -> None:
    """The daemon before had ended well, so nothing but the search can find it."""
    watch = daemon("")
    watch.start()
    watch.stop()
    spool, trash = leave_trash(home)
    watch.write_policy(policy_for(spool))
    watch.start()
    watch.wait_for(lambda: watch.records("outcome", rule="spool.s"), 10, "the end of the purge")
    (begun,), (over,) = watch.records("intent", rule="spool.s"), watch.records("outcome", rule="spool.s")
    assert "a purge was cut short" in begun["because"][0]
    assert (begun["id"], begun["step"], over["ok"]) == (over["id"], "purge s", True)
    assert over["result"].startswith("2 entries deleted")
    assert not trash.exists()
    assert (spool / "amavis-stale").exists()
    watch.wait_for(lambda: watch.status()["trash"] == {}, 10, "a status without trash")


@pytest.mark.slow
def test_a_daemon_that_only_observes_shows_it_in_status_and_lets_it_be(daemon: MakeDaemon, home: Path) -> None:
    spool, trash = leave_trash(home)
    watch = daemon(policy_for(spool))
    watch.start("--observe")
    shown = {"s": {"directories": 1, "entries": 2}}
    watch.wait_for(lambda: watch.status()["trash"] == shown, 10, "the trash in status")
    assert sorted(path.name for path in trash.iterdir()) == ["amavis-1", "amavis-2"]
    assert [record["result"] for record in watch.records("outcome")] in ([], ["observed only, not done"])
