"""A real control group of this host in which memory is accounted for."""

from __future__ import annotations

import os
import time
from contextlib import suppress

import pytest

from watchdog_oom.host.memory.group_files import V1, V2, Layout, group_mount

SYSTEMDS_OWN = "/sys/fs/cgroup/systemd"  # version 1: by this one it is told in which unit a process runs


class RealGroup:
    """The group of that path, and those above it as far as they have to be made; skips where that is not permitted.
    ``unit`` is a directory whose processes run in the unit of that name: the same, or the one in systemd's own tree."""

    def __init__(self, path: str) -> None:
        self.made: list[str] = []
        self.directory = self.unit = self._make(path)
        if os.path.isdir(SYSTEMDS_OWN):
            self.unit = f"{SYSTEMDS_OWN}/{os.path.basename(path)}"
            os.mkdir(self.unit)
            self.made.append(self.unit)

    def enter(self) -> None:
        """Put the calling process into the group, as a service manager does before it runs the program."""
        with open(f"{self.directory}/cgroup.procs", "w", encoding="ascii") as file:
            file.write(str(os.getpid()))

    def remove(self) -> None:
        """Its processes have been killed, but may take a moment to go."""
        deadline = time.monotonic() + 3
        while self.made:
            try:
                os.rmdir(self.made[-1])
            except FileNotFoundError:
                pass
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
                continue
            self.made.pop()

    def _make(self, path: str) -> str:
        with open("/proc/self/mountinfo", "rb") as file:
            mounts = file.read()
        for layout in (V1, V2):
            mount = group_mount(mounts, layout)
            directory = self._below(mount[0], path, layout) if mount is not None and mount[1] == "/" else None
            if directory is not None:
                return directory
        pytest.skip("needs a hierarchy of control groups that accounts for memory, and may be written to")

    def _below(self, top: str, path: str, layout: Layout) -> str | None:
        directory = top
        for part in path.strip("/").split("/"):
            if layout is V2:
                with suppress(OSError), open(f"{directory}/cgroup.subtree_control", "w", encoding="ascii") as file:
                    file.write("+memory")
            directory = f"{directory}/{part}"
            try:
                os.mkdir(directory)
            except FileExistsError:
                continue
            except OSError:
                self.remove()
                return None
            self.made.append(directory)
        if os.path.exists(f"{directory}/{layout.usage}"):
            return directory
        self.remove()
        return None
