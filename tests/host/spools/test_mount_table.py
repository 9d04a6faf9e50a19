from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from watchdog_oom.host.spools.mount_table import MountTable


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_mount_is_known_as_soon_as_it_is_made_and_no_longer_than_it_lasts(spool_base: Path) -> None:
    (spool_base / "entry" / "deep").mkdir(parents=True)
    table = MountTable()
    assert table.names_in(str(spool_base)) == frozenset()
    subprocess.run(["mount", "-t", "tmpfs", "none", str(spool_base / "entry" / "deep")], check=True)
    assert table.names_in(str(spool_base)) == {"entry"}
    assert table.names_in(str(spool_base)) == {"entry"}
    subprocess.run(["umount", str(spool_base / "entry" / "deep")], check=True)
    assert table.names_in(str(spool_base)) == frozenset()
    table.close()


def test_where_mounts_cannot_be_read_none_is_known(tmp_path: Path) -> None:
    assert MountTable(str(tmp_path)).names_in("/") == frozenset()
