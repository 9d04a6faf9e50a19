"""The disk of the virtual machine: a Debian root made by mmdebstrap, kept under build/vm/ by the hash of its recipe."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = HERE.parent.parent / "build" / "vm"

SUITE = "bookworm"
MIRROR = "http://deb.debian.org/debian"
DISK_BYTES = 3 << 30
SWAP_BYTES = 192 << 20
BUILD_SECONDS = 1500

PACKAGES = (
    "systemd", "systemd-sysv", "dbus", "udev", "kmod", "procps", "iproute2", "netbase", "e2fsprogs",
    "linux-image-cloud-amd64", "initramfs-tools", "cron", "apache2", "mariadb-server",
    "python3", "python3-psutil", "python3-pyinotify", "python3-tomli", "python3-sdnotify", "python3-click",
    "python3-rich", "python3-jinja2", "python3-prometheus-client", "msmtp", "apprise",
)
# What runs by the clock would disturb what a case measures.
MASKED = (
    "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "e2scrub_reap.service",
    "fstrim.timer", "man-db.timer", "logrotate.timer", "phpsessionclean.timer", "apache-htcacheclean.timer",
    "serial-getty@ttyS0.service", "getty@tty1.service",
)
# Only what this machine is made of: the usual initramfs takes half of the time of an emulated boot to unpack.
EARLY_FILES = {
    "etc/initramfs-tools/conf.d/vm.conf": "MODULES=list\nCOMPRESS=gzip\nBUSYBOX=n\n",
    "usr/share/initramfs-tools/modules.d/vm": "virtio_pci\nvirtio_blk\next4\n",
}
FILES = {
    "etc/hostname": "guest\n",
    "etc/hosts": "127.0.0.1 localhost guest\n",
    "etc/fstab": "/dev/vda / ext4 errors=remount-ro,noatime 0 1\n/dev/vdb none swap sw 0 0\n",
    "etc/modules-load.d/vm.conf": "virtio_console\nvirtio_net\nvirtio_rng\n",
    "etc/systemd/network/10-vm.network": "[Match]\nName=eth0\n[Network]\nAddress=10.0.2.15/24\nGateway=10.0.2.2\n",
    "etc/systemd/journald.conf.d/vm.conf": "[Journal]\nStorage=persistent\nSystemMaxUse=64M\nRateLimitBurst=0\n",
    "etc/systemd/system/vm-agent.service": """\
[Unit]
Description=Runs what the tests outside ask for
StartLimitIntervalSec=0
DefaultDependencies=no
After=systemd-remount-fs.service systemd-modules-load.service
[Service]
ExecStart=/usr/bin/python3 -I /usr/local/lib/vm-agent.py
OOMScoreAdjust=-1000
OOMPolicy=continue
KillMode=process
Restart=always
RestartSec=1
[Install]
WantedBy=sysinit.target
""",
}


@dataclass(frozen=True, slots=True)
class Image:
    """One built image: a raw disk, which is never written to, and what boots it."""

    disk: Path
    swap: Path
    kernel: Path
    initrd: Path


@dataclass(frozen=True, slots=True)
class Recipe:
    """What an image has beyond what every one has. A hook is a line of sh, with the new root as ``$1``."""

    name: str
    packages: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    hooks: tuple[str, ...] = ()


CASES = Recipe("image")


def recipe_hash(recipe: Recipe = CASES) -> str:
    """The name of what the recipe makes; another recipe, another name."""
    content = [SUITE, MIRROR, DISK_BYTES, SWAP_BYTES, PACKAGES, MASKED, EARLY_FILES, FILES, _agent(), "1"]
    if recipe.packages or recipe.files or recipe.hooks:
        content += [recipe.packages, recipe.files, recipe.hooks]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


def image(recipe: Recipe = CASES) -> Image:
    """The image, built first if this recipe's is not there yet (some minutes, and a download)."""
    place = CACHE / f"{recipe.name}-{recipe_hash(recipe)}"
    if not place.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        for old in CACHE.glob(f"{recipe.name}-*"):
            shutil.rmtree(old)
        _build(recipe, place)
    return Image(place / "root.raw", place / "swap.raw", place / "vmlinuz", place / "initrd")


def _build(recipe: Recipe, place: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="making-", dir=CACHE) as name:
        making = Path(name)
        root = making / "root"
        _debootstrap(recipe, root, making)
        for link, target in (("vmlinuz", "vmlinuz-*"), ("initrd", "initrd.img-*")):
            shutil.copyfile(next((root / "boot").glob(target)), making / link)
        _run("mke2fs", "-q", "-t", "ext4", "-d", root, "-E", "lazy_itable_init=1,lazy_journal_init=1",
             making / "root.raw", f"{DISK_BYTES >> 10}k")
        with (making / "swap.raw").open("wb") as swap:
            swap.truncate(SWAP_BYTES)
        (making / "swap.raw").chmod(0o600)
        _run("mkswap", "-q", making / "swap.raw")
        shutil.rmtree(root)
        result = making / "result"
        result.mkdir()
        for file in ("root.raw", "swap.raw", "vmlinuz", "initrd"):
            (making / file).rename(result / file)
        result.rename(place)


def _debootstrap(recipe: Recipe, root: Path, making: Path) -> None:
    """mmdebstrap runs hooks outside of the new root, with its path as their argument."""
    early, late = making / "early", making / "late"
    _write(early, EARLY_FILES)
    _write(late, {**FILES, **recipe.files, "usr/local/lib/vm-agent.py": _agent()})
    masked = " ".join(MASKED)
    hooks = (
        f"cp -a --no-preserve=ownership {late}/. \"$1\"/",
        f"for unit in {masked}; do ln -sf /dev/null \"$1/etc/systemd/system/$unit\"; done",
        "chroot \"$1\" systemctl enable vm-agent.service systemd-networkd.service",
        "chroot \"$1\" systemctl disable apache2.service mariadb.service",
        "mkdir -p \"$1/var/log/journal\"; rm -f \"$1/etc/machine-id\"; echo uninitialized > \"$1/etc/machine-id\"",
        *recipe.hooks,
    )
    _run("mmdebstrap", "--quiet", "--mode=root", "--variant=minbase",
         f"--include={','.join(PACKAGES + recipe.packages)}",
         "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
         "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-include=/usr/share/doc/watchdog-oom*",
         "--dpkgopt=path-include=/usr/share/man/*/watchdog-oom*",
         "--aptopt=APT::Install-Recommends \"false\"", "--aptopt=Acquire::Retries \"3\"",
         f"--essential-hook=cp -a --no-preserve=ownership {early}/. \"$1\"/",
         *(f"--customize-hook={hook}" for hook in hooks), SUITE, root, MIRROR)


def _write(place: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _agent() -> str:
    return (HERE / "agent.py").read_text()


def _run(*argv: str | Path) -> None:
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    done = subprocess.run([str(word) for word in argv], capture_output=True, text=True, errors="replace",
                          timeout=BUILD_SECONDS, env={**os.environ, "PATH": path}, check=False)
    if done.returncode != 0:
        said = f"{done.stdout[-2000:]}{done.stderr[-4000:]}"
        raise RuntimeError(f"{argv[0]} ended with status {done.returncode}:\n{said}")
