"""Recipes in miniature: real daemons, processes, init scripts and directories of the tests' own."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.daemon.conftest import daemon, home, spawn

__all__ = ["Recipe", "Scripts", "daemon", "family", "home", "recipe", "scripts", "spawn"]

BOOK = Path(__file__).parents[2] / "policies" / "cookbook"
Recipe: TypeAlias = Callable[..., str]
Family: TypeAlias = Callable[..., str]


@pytest.fixture
def recipe(home: Path) -> Recipe:
    """The text of a recipe's policy; its programs lie in this test's own directory, and what is given is replaced."""
    def text(name: str, programs: dict[str, str], **replaced: str) -> str:
        made = (BOOK / name / "policy.toml").read_text()
        for path, program in programs.items():
            assert f'"{path}"' in made, path
            made = made.replace(f'"{path}"', f'"{home}/bin/{program}"')
        for old, new in (pair for pair in (each.split(" => ") for each in replaced.values())):
            assert old in made, old
            made = made.replace(old, new)
        return made
    return text


@pytest.fixture
def family(home: Path) -> Iterator[Family]:
    """Code for a process that starts others under a name of their own; all of that name are ended afterwards."""
    names: set[str] = set()

    def code(name: str, *codes: str, then: str = "time.sleep(300)") -> str:
        program = home / "bin" / name
        program.parent.mkdir(exist_ok=True)
        if not program.exists():
            shutil.copy(os.path.realpath(sys.executable), program)
        names.add(name)
        path = str(program)
        starts = "".join(f"os.posix_spawn({path!r}, [{path!r}, '-S', '-E', '-c', {each!r}], os.environ)\n"
                         f"time.sleep(0.05)\n" for each in codes)
        return f"import os, time\n{starts}{then}\n"

    yield code
    for pid in (pid for name in names for pid in running(home, name)):
        with suppress(ProcessLookupError):
            os.kill(pid, 9)


def running(home: Path, name: str) -> list[int]:
    """The pids that run the program of that name, the oldest first."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                if os.readlink(entry / "exe") == f"{home}/bin/{name}":
                    found.append(int(entry.name))
    return sorted(found)


class Scripts:
    """Init scripts whose services are files: up, down, or dead though they should be up. ``log`` has what was asked."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.directory = home / "init.d"
        self.directory.mkdir()
        self.log = home / "asked"
        self.log.touch()

    def add(self, name: str, state: str) -> None:
        path = self.directory / name
        (self.home / name).write_text(state)
        path.write_text(f"""#!/bin/sh
case $1 in
    start) echo "start {name}" >> {self.log}; echo up > {self.home}/{name} ;;
    stop) echo "stop {name}" >> {self.log}; echo down > {self.home}/{name} ;;
    status) case $(cat {self.home}/{name}) in up) exit 0 ;; dead) exit 1 ;; *) exit 3 ;; esac ;;
esac
""")
        path.chmod(0o755)

    @property
    def config(self) -> str:
        return f'[services]\nmanager = "service"\ninit_dir = "{self.directory}"\n'

    def asked(self) -> list[str]:
        return self.log.read_text().splitlines()


@pytest.fixture
def scripts(home: Path) -> Scripts:
    return Scripts(home)
