"""Daemons and processes of the tests' own, ended by pid whatever happens."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.miniature.daemon import MakeDaemon, OwnDaemon, Spawn
from tests.miniature.mailserver import MailServer


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A directory that only its owner can write to, parents included, as policies need it."""
    tmp_path.chmod(0o755)
    return tmp_path


@pytest.fixture
def daemon(home: Path) -> Iterator[MakeDaemon]:
    made: list[OwnDaemon] = []

    def make(policy: str, *, config: str = "", name: str = "daemon") -> OwnDaemon:
        made.append(OwnDaemon(home / name, policy, config=config))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def small_disk() -> Iterator[Callable[..., Path]]:
    """Mount a file system of 2 MiB there; answers with the path of a file that may fill it."""
    mounted: list[Path] = []

    def mount(directory: Path, size: str = "2m") -> Path:
        directory.mkdir(0o755, parents=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0755", "tmpfs", str(directory)]
        if subprocess.run(command, capture_output=True, check=False).returncode != 0:
            pytest.skip("mounting is not permitted here")
        mounted.append(directory)
        return directory / "filler"

    yield mount
    for directory in mounted:
        subprocess.run(["umount", "-l", str(directory)], check=True)


@pytest.fixture
def mailserver(home: Path) -> Iterator[MailServer]:
    server = MailServer(home / "mail", scanner_mib=20, pace_seconds=0.2)
    yield server
    server.close()


@pytest.fixture
def spawn(home: Path) -> Iterator[Spawn]:
    """Start a python program as a process with a name of its own: a copy of the interpreter under that name."""
    children: list[subprocess.Popen[bytes]] = []

    def start(code: str, name: str = "hogger", directory: str = "bin", **options: Any) -> subprocess.Popen[bytes]:
        program = home / directory / name
        if not program.exists():
            program.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(os.path.realpath(sys.executable), program)
            program.chmod(0o755)
        environment = {"PYTHONHOME": sys.base_prefix, "LD_LIBRARY_PATH": f"{sys.base_prefix}/lib", "PATH": os.defpath}
        child: subprocess.Popen[bytes] = subprocess.Popen([str(program), "-S", "-E", "-c", code], env=environment,
                                                          **options)
        children.append(child)
        return child

    yield start
    for child in children:
        child.kill()
        child.wait()
