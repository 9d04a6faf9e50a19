"""Logs to diagnose."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kernel_log import reports


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A syslog with one report of a host that ran out of RAM and swap."""
    path = tmp_path / "kern.log"
    path.write_text("".join(f"Nov 26 03:31:0{number % 10} host kernel: {line}\n"
                            for number, line in enumerate(reports.GLOBAL_6_1.splitlines())))
    return path
