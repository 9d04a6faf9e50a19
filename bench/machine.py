"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGES = ("nohang", "earlyoom", "monit", "systemd", "tmpreaper", "coreutils", "findutils")


def describe() -> tuple[str, ...]:
    """Machine, kernel and versions, a line each."""
    cpu = next((line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")), platform.machine())
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    host = (f"{os.cpu_count()} × {cpu}, {memory_gib:.1f} GiB, Linux {platform.release()}, "
            f"load {os.getloadavg()[0]:.2f} at the start.")
    software = (f"Daemons of both sides on {interpreter()} (Python {_version(interpreter())}); the benchmarks on "
                f"Python {platform.python_version()}; {_packages()}.")
    return host, software


def interpreter() -> str:
    """The system's python where it is new enough, since nohang runs on it: both sides on the same one."""
    system = "/usr/bin/python3"
    if shutil.which(system) and tuple(map(int, _version(system).split(".")[:2])) >= (3, 11):
        return system
    return sys.executable


def _version(python: str) -> str:
    return subprocess.run([python, "-c", "import platform; print(platform.python_version())"],
                          check=True, capture_output=True, text=True).stdout.strip()


def _packages() -> str:
    asked = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Abbrev}${Package} ${Version}\n", *PACKAGES],
                           check=False, capture_output=True, text=True) if shutil.which("dpkg-query") else None
    lines = asked.stdout.splitlines() if asked is not None else []
    return ", ".join(line[2:].strip() for line in lines if line.startswith("ii")) or "no packages known"
