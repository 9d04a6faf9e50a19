from __future__ import annotations

import os
import resource
import shutil
import time
from pathlib import Path
from tempfile import mkdtemp

import pytest

from watchdog_oom.daemon.policy_store import PolicyStore
from watchdog_oom.errors import PolicyError
from watchdog_oom.journal.record import Record

GOOD = '[process.a]\nname = "a"\n[limit.a]\nprocess = "a"\nruntime = "{}min"\n'


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    for parent in (tmp_path, tmp_path / "policies", tmp_path / "state"):
        parent.mkdir(exist_ok=True)
        parent.chmod(0o755)
    return tmp_path / "policies", tmp_path / "state"


def policy_store(places: tuple[Path, Path]) -> PolicyStore:
    return PolicyStore((str(places[0]),), str(places[0].parent / "none.toml"), str(places[1]))


def poll(kept: PolicyStore, *, hold: bool = False, seconds: float = 5.0) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if kept.poll(hold=hold):
            return True
        time.sleep(0.02)
    return False


def test_the_first_reading_gives_the_policy_and_no_parser_stays_behind(places: tuple[Path, Path]) -> None:
    (places[0] / "a.toml").write_text(GOOD.format(5))
    kept = policy_store(places)
    assert kept.policy.limits["a"].runtime_seconds == 300
    assert kept.faults == ()


def test_without_a_good_policy_of_any_time_every_fault_is_raised(places: tuple[Path, Path]) -> None:
    (places[0] / "a.toml").write_text("[proces.a]\n")
    (places[0] / "b.toml").write_text("[limit.b]\nprocess = 'x'\nrss = 5\n")
    with pytest.raises(PolicyError) as raised:
        policy_store(places)
    assert len(raised.value.faults) >= 3


def test_a_broken_reload_keeps_the_good_policy_and_a_mended_one_replaces_it(places: tuple[Path, Path]) -> None:
    file = places[0] / "a.toml"
    file.write_text(GOOD.format(5))
    kept = policy_store(places)
    file.write_text("[limit.a\n")
    kept.reload()
    assert poll(kept)
    assert kept.policy.limits["a"].runtime_seconds == 300
    assert "a.toml:1" in kept.faults[0]
    file.write_text(GOOD.format(6))
    kept.reload()
    assert poll(kept)
    assert kept.policy.limits["a"].runtime_seconds == 360
    assert kept.faults == ()
    told: list[Record] = []
    kept.tell(told.append)
    assert [str(record.result).split()[0] for record in told] == ["loaded", "rejected:", "loaded"]


def test_the_last_good_policy_outlives_the_daemon(places: tuple[Path, Path]) -> None:
    file = places[0] / "a.toml"
    file.write_text(GOOD.format(5))
    before = policy_store(places).policy
    file.write_text("[limit.a\n")
    after = policy_store(places)
    assert after.policy == before
    assert after.faults


def test_a_new_policy_waits_while_a_recovery_runs(places: tuple[Path, Path]) -> None:
    file = places[0] / "a.toml"
    file.write_text(GOOD.format(5))
    kept = policy_store(places)
    file.write_text(GOOD.format(6))
    kept.reload()
    assert not poll(kept, hold=True, seconds=1.0)
    assert kept.policy.limits["a"].runtime_seconds == 300
    assert poll(kept)
    assert kept.policy.limits["a"].runtime_seconds == 360


def test_a_changed_directory_is_noticed_without_a_signal_once_it_stands_still(places: tuple[Path, Path]) -> None:
    (places[0] / "a.toml").write_text(GOOD.format(5))
    kept = policy_store(places)
    (places[0] / "b.toml").write_text('[process.b]\nname = "b"\n')
    assert poll(kept, seconds=8.0)
    assert "b" in kept.policy.processes


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_file_that_others_can_write_is_rejected_and_the_good_policy_stays(places: tuple[Path, Path]) -> None:
    file = places[0] / "a.toml"
    file.write_text(GOOD.format(5))
    kept = policy_store(places)
    file.chmod(0o666)
    kept.reload()
    assert poll(kept)
    assert "a.toml" in kept.faults[0]
    assert "a" in kept.policy.limits


@pytest.mark.root
def test_a_link_that_leads_elsewhere_now_is_followed_without_a_change_of_the_files(places: tuple[Path, Path]) -> None:
    home = Path(mkdtemp(prefix="watchdog-oom-test-", dir="/var/lib"))
    try:
        home.chmod(0o755)
        for name in ("old", "new"):
            (home / name).write_text("")
        (home / "link").symlink_to("old")
        (places[0] / "a.toml").write_text(f'[process.p]\nexe = "{home}/link"\n')
        opened = PolicyStore((str(places[0]),), str(places[0].parent / "none.toml"), str(places[1]), link_seconds=0.05)
        (home / "link").unlink()
        (home / "link").symlink_to("new")
        deadline = time.monotonic() + 5.0
        while not any(pattern.fullmatch(f"{home}/new") for pattern in opened.policy.processes["p"].exe):
            assert time.monotonic() < deadline
            opened.poll(hold=False)
            time.sleep(0.01)
    finally:
        shutil.rmtree(home)


def test_where_no_process_can_be_created_the_policy_stays_and_is_read_again_later(places: tuple[Path, Path]) -> None:
    file = places[0] / "a.toml"
    file.write_text(GOOD.format(5))
    kept = policy_store(places)
    file.write_text(GOOD.format(7))
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (free, limits[1]))
        kept.reload()
        assert not kept.poll(hold=False)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert kept.policy.limits["a"].runtime_seconds == 300
    assert poll(kept, seconds=20)
    assert kept.policy.limits["a"].runtime_seconds == 420
