"""systemd as this host's service manager: asked over D-Bus, and through systemctl(1) where that cannot be."""

from __future__ import annotations

from watchdog_oom.host.services.systemd.bus import SystemdBus
from watchdog_oom.host.services.systemd.calls import places
from watchdog_oom.host.services.systemd.cgroup import CGROUPS
from watchdog_oom.host.services.systemd.systemctl import Systemctl


class Systemd(Systemctl):
    """What stands below ``root`` is asked; its connection is opened with the first question."""

    def __init__(self, program: str = "systemctl", *, root: str = "/", cgroups: str = CGROUPS) -> None:
        super().__init__(program, root=root)
        self.bus = SystemdBus(places(root), cgroups=cgroups, root=root)
