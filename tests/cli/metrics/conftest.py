"""Daemons of the tests' own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.miniature.daemon import MakeDaemon, OwnDaemon


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[MakeDaemon]:
    tmp_path.chmod(0o755)
    made: list[OwnDaemon] = []

    def make(policy: str) -> OwnDaemon:
        made.append(OwnDaemon(tmp_path / "daemon", policy))
        return made[-1]

    yield make
    for one in made:
        one.close()
