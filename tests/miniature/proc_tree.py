"""A /proc of a few real processes in which memory is as a test says: nobody else can be seen, or chosen."""

from __future__ import annotations

from pathlib import Path

MEMINFO = """MemTotal: 1000000 kB
MemFree: 10000 kB
MemAvailable: {available} kB
Buffers: 0 kB
Cached: 0 kB
AnonPages: 900000 kB
SwapTotal: 500000 kB
SwapFree: {swap_free} kB
"""


class Proc:
    """A /proc of links to a few real processes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "sys/kernel/random").mkdir(parents=True)
        (root / "sys/kernel/random/boot_id").write_text(Path("/proc/sys/kernel/random/boot_id").read_text())
        (root / "self").symlink_to("/proc/self")
        self.memory(available=900000, swap_free=500000)

    def memory(self, *, available: int, swap_free: int) -> None:
        (self.root / "meminfo.new").write_text(MEMINFO.format(available=available, swap_free=swap_free))
        # in place: a reader that keeps the file open must see the change, as in the real /proc
        (self.root / "meminfo").write_text((self.root / "meminfo.new").read_text())

    def show(self, pid: int) -> None:
        (self.root / str(pid)).symlink_to(f"/proc/{pid}")
