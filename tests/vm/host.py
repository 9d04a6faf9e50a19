"""What this host has to give for a virtual machine: the tools, one machine at a time, and our package."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.vm.guest import Guest
from tests.vm.image import CACHE

TOP = Path(__file__).resolve().parent.parent.parent
TOOLS = ("qemu-system-x86_64", "qemu-img", "mmdebstrap", "mke2fs", "mkswap", "dpkg-buildpackage", "dh")
HOST_PACKAGES = "qemu-system-x86 qemu-utils seabios mmdebstrap e2fsprogs debhelper dh-python python3-click fakeroot"


def obstacle() -> str | None:
    """Why no machine can be made here, in words."""
    if os.geteuid() != 0:
        return "needs root, to make the image"
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    missing = [tool for tool in TOOLS if shutil.which(tool, path=path) is None]
    return f"missing here: {', '.join(missing)} (apt-get install {HOST_PACKAGES})" if missing else None


@contextmanager
def alone() -> Iterator[None]:
    """Two emulated machines at once would make each other late."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build_deb(output: Path = TOP / "build", version: str | None = None) -> Path:
    """The package of the tree as it is now. Raises RuntimeError with what the tools said."""
    wanted = ["--version", version] if version else []
    done = subprocess.run([TOP / "packaging" / "build-deb", "--output", output, *wanted], capture_output=True,
                          text=True, timeout=300, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return Path(done.stdout.strip().splitlines()[-1])


def install_deb(guest: Guest, deb: Path) -> None:
    """Our package, where apt need not be shown to do it."""
    guest.put(deb, "/root/watchdog-oom.deb")
    guest.check("DEBIAN_FRONTEND=noninteractive dpkg -i /root/watchdog-oom.deb", 300)
