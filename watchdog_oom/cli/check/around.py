"""What ``check`` shows in addition to a policy's nouns, from psutil: boot time, logins, details and ports."""

from __future__ import annotations

from watchdog_oom.cli.check.service_ports import Ports, service_ports
from watchdog_oom.cli.host_view import HostView
from watchdog_oom.cli.logins import Login, boot_time, logins
from watchdog_oom.cli.process_details import DetailReader
from watchdog_oom.core.view import View
from watchdog_oom.lean_dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Around:
    """The host as the daemon would read it, and additional information for people."""

    host: HostView
    view: View
    details: DetailReader
    booted: float | None
    logins: tuple[Login, ...]
    ports: Ports


def look_around(host: HostView, view: View) -> Around:
    """For another host (``--proc``) only the daemon's readings are known."""
    details = DetailReader(host.proc)
    return Around(host, view, details, boot_time() if details.this_host else None, logins(view, details),
                  service_ports(view, details))
