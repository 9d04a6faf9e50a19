"""Recipes in miniature: real daemons, processes, init scripts and directories of the tests' own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.daemon.conftest import daemon, home, spawn
from tests.miniature.groups import RealGroup

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


PROGRAM_SCRIPT = """#!/bin/sh
export PYTHONHOME={prefix} LD_LIBRARY_PATH={prefix}/lib
cd {home}
running() {{ [ -s pid ] && kill -0 "$(cat pid)" 2>/dev/null; }}
case $1 in
    start)
        echo "start {name}" >> {log}
        rm -f up
        setsid sh -c '{enter}exec {command}' >/dev/null 2>&1 &
        echo $! > pid
        while running; do [ -e up ] && exit 0; sleep 0.02; done
        exit 1 ;;
    stop)
        echo "stop {name}" >> {log}
        running && kill "$(cat pid)"
        while running; do sleep 0.02; done
        rm -f pid up ;;
    status)
        running && exit 0
        [ -e pid ] && exit 1
        exit 3 ;;
esac
"""


class Scripts:
    """Init scripts whose services are files: up, down, or dead though they should be up. ``log`` has what was asked."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.directory = home / "init.d"
        self.directory.mkdir()
        self.log = home / "asked"
        self.log.touch()
        self.programs: list[Path] = []

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

    def add_program(self, name: str, program: str, *arguments: str, group: RealGroup | None = None) -> Path:
        """One that runs a program of ``tests/miniature`` under that name, in its own directory, which is returned. It
        is started when ``up`` is there."""
        directory, made = self.home / name, self.home / "bin" / program
        directory.mkdir()
        made.parent.mkdir(exist_ok=True)
        shutil.copy(os.path.realpath(sys.executable), made)
        enter = "".join(f"echo $$ > {each}/cgroup.procs; " for each in sorted({group.directory, group.unit})) if group \
            else ""
        path = self.directory / name
        command = " ".join([str(made), "-S", "-E", *arguments])
        path.write_text(PROGRAM_SCRIPT.format(name=name, log=self.log, home=directory, enter=enter, command=command,
                                              prefix=sys.base_prefix))
        path.chmod(0o755)
        self.programs.append(path)
        return directory

    def end(self) -> None:
        for path in self.programs:
            subprocess.run([str(path), "stop"], check=False, timeout=10)

    @property
    def config(self) -> str:
        return f'[services]\nmanager = "service"\ninit_dir = "{self.directory}"\n'

    def asked(self) -> list[str]:
        return self.log.read_text().splitlines()


@pytest.fixture
def scripts(home: Path, real_group: Callable[[str], RealGroup]) -> Iterator[Scripts]:
    """What they started is ended before its groups are removed."""
    made = Scripts(home)
    yield made
    made.end()
