from __future__ import annotations

from pathlib import Path

from watchdog_oom.daemon.self_protection import missing_capabilities


def status_with(tmp_path: Path, effective: int) -> str:
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "status").write_text(f"Name:\tx\nCapEff:\t{effective:016x}\n")
    return str(tmp_path)


def test_every_capability_that_is_missing_is_told_with_its_loss(tmp_path: Path) -> None:
    told = missing_capabilities(status_with(tmp_path, (1 << 41) - 1 & ~(1 << 24)))
    assert len(told) == 1
    assert told[0].startswith("CAP_SYS_RESOURCE: oom_score_adj")


def test_full_root_lacks_nothing(tmp_path: Path) -> None:
    assert missing_capabilities(status_with(tmp_path, (1 << 41) - 1)) == ()
