"""systemd as this host's service manager: over D-Bus, or through systemctl(1) if that is not possible."""

from __future__ import annotations

from watchdog_oom.host.services.systemd.bus import SystemdBus
from watchdog_oom.host.services.systemd.calls import places
from watchdog_oom.host.services.systemd.cgroup import CGROUPS
from watchdog_oom.host.services.systemd.systemctl import Systemctl


class Systemd(Systemctl):
    """The systemd below ``root``; the connection is opened with the first query."""

    def __init__(self, program: str = "systemctl", *, root: str = "/", cgroups: str = CGROUPS) -> None:
        super().__init__(program, root=root)
        self.bus = SystemdBus(places(root), cgroups=cgroups, root=root)
