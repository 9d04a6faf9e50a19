"""Made-up hosts and policies on disk, and the command as an administrator calls it."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.miniature.nobody import told_to_nobody
from watchdog_oom.cli import cli

MIB = 1 << 20
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")
DOCUMENTED = Path(__file__).parents[2] / "docs" / "commands.md"


class Host:
    """A made-up /proc with as much memory as one asks for."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()
        self.memory()
        self.put(1, "init")

    def memory(self, available_percent: int = 80, swap_free_percent: int = 90) -> None:
        """1 GiB of RAM of which nothing but anonymous memory is used, and 1 GiB of swap."""
        total_kib = 1 << 20
        available = total_kib * available_percent // 100
        fields = {"MemTotal": total_kib, "MemFree": available, "MemAvailable": available,
                  "AnonPages": total_kib - available, "SwapTotal": total_kib,
                  "SwapFree": total_kib * swap_free_percent // 100}
        (self.root / "meminfo").write_text("".join(f"{name}: {kib} kB\n" for name, kib in fields.items()))

    def put(self, pid: int, comm: str, *, exe: str = "", uid: int = 0, rss_mib: int = 4, age_seconds: float = 100,
            ppid: int = 1, adj: int = 0, swap_mib: int = 0, unit: str = "", cmdline: str = "", tty: int = 0) -> None:
        folder = self.root / str(pid)
        folder.mkdir()
        start = max(0, int((time.clock_gettime(time.CLOCK_BOOTTIME) - age_seconds) * TICKS))
        fields = [ppid, pid, pid, tty, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, start, 4096,
                  rss_mib * MIB // PAGE_BYTES, 0, 1, 1, 1, 0, 0]
        stat = f"{pid} ({comm}) S {' '.join(map(str, fields))}\n"
        (folder / "stat").write_bytes(stat.encode("utf-8", "surrogateescape"))
        (folder / "exe").symlink_to(exe or "/nowhere/" + re.sub(r"\W", "", comm))
        (folder / "status").write_text(f"Name:\tx\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\n"
                                       f"VmSwap:\t{swap_mib * 1024} kB\n")
        (folder / "cgroup").write_text(f"0::/system.slice/{unit}\n" if unit else "0::/\n")
        (folder / "cmdline").write_bytes(cmdline.replace(" ", "\0").encode("utf-8", "surrogateescape"))
        (folder / "oom_score_adj").write_text(f"{adj}\n")
        (folder / "oom_score").write_text(f"{max(0, rss_mib + adj)}\n")


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path / "proc")


@pytest.fixture
def policy(tmp_path: Path) -> Callable[..., Path]:
    """Write a policy file and answer with its path."""
    def write(text: str, name: str = "p.toml") -> Path:
        path = tmp_path / "policies" / name
        path.parent.mkdir(exist_ok=True)
        path.parent.chmod(0o755)
        path.write_text(text)
        path.chmod(0o644)
        return path
    return write


@pytest.fixture
def run() -> Callable[..., Result]:
    """``watchdog-oom`` with these arguments; an error that it did not expect fails the test."""
    def call(*arguments: str | Path, **environment: str) -> Result:
        return CliRunner().invoke(cli, [str(argument) for argument in arguments], env=environment)
    return call


@pytest.fixture
def as_nobody(tmp_path: Path) -> Callable[[Callable[[], Result]], tuple[int, str]]:
    """Exit status and output of a command in a child that has given up root, to which this test's files are open."""
    for parent in (tmp_path, *tmp_path.parents):
        if parent.stat().st_uid == os.geteuid() and len(parent.parts) > 2:
            parent.chmod(0o755)
    return told_to_nobody


@pytest.fixture
def documented() -> Callable[[str, int], Sequence[str]]:
    """The keys that docs/commands.md lists below a heading, in its first table or a later one."""
    def keys(heading: str, table: int = 0) -> list[str]:
        section = DOCUMENTED.read_text().partition(f"\n### {heading}\n")[2].partition("\n##")[0]
        tables = re.findall(r"(?:^\|.*\n)+", section + "\n", re.MULTILINE)
        return re.findall(r"^\| `(\w+)` \|", tables[table], re.MULTILINE)
    return keys


@pytest.fixture
def app_group(host: Host, tmp_path: Path) -> Path:
    """The control group of app.service on the made-up host: it holds 2500 MiB and 420 MiB of file cache."""
    group = tmp_path / "groups/system.slice/app.service"
    group.mkdir(parents=True)
    (host.root / "self").mkdir()
    (host.root / "self/mountinfo").write_text(f"31 25 0:28 / {tmp_path}/groups rw - cgroup2 cgroup2 rw\n")
    for name, text in (("memory.max", "max"), ("memory.current", str(2920 * MIB)),
                       ("memory.stat", f"anon 1\ninactive_file {420 * MIB}")):
        (group / name).write_text(f"{text}\n")
    return group
