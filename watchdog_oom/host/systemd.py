"""systemd as this host's service manager: asked over D-Bus, and through systemctl(1) where that cannot be."""

from __future__ import annotations

from watchdog_oom.host.systemctl import Systemctl
from watchdog_oom.host.systemd_bus import SystemdBus
from watchdog_oom.host.systemd_calls import places
from watchdog_oom.host.systemd_cgroup import CGROUPS


class Systemd(Systemctl):
    """What stands below ``root`` is asked; its connection is opened with the first question."""

    def __init__(self, program: str = "systemctl", *, root: str = "/", cgroups: str = CGROUPS) -> None:
        super().__init__(program, root=root)
        self.bus = SystemdBus(places(root), cgroups=cgroups, root=root)
