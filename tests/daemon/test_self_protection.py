from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from watchdog_oom.daemon.self_protection import OwnLock, missing_capabilities
from watchdog_oom.errors import UsageError


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


def test_the_lock_is_held_once_and_free_again_after_a_kill(tmp_path: Path) -> None:
    code = f"""import time
from watchdog_oom.daemon.self_protection import OwnLock
OwnLock({str(tmp_path)!r})
print(flush=True)
time.sleep(60)"""
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(UsageError, match=f"pid {holder.pid}"):
            OwnLock(str(tmp_path))
    finally:
        holder.kill()
        holder.communicate()
    OwnLock(str(tmp_path)).release()
