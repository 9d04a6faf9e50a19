"""Chooses this host's service manager."""

from __future__ import annotations

import os

from watchdog_oom.errors import UsageError
from watchdog_oom.host.services.manager import INIT_DIR, ServiceManager


def choose_manager(wanted: str = "auto", *, root: str = "/", init_dir: str = INIT_DIR) -> ServiceManager:
    """The service manager: ``systemd``, ``service``, or ``auto`` for the one that runs (sd_booted(3)).

    ``init_dir`` is where the init scripts of ``service`` are. Raises UsageError for any other word.
    """
    if wanted not in ("auto", "systemd", "service"):
        raise UsageError(f"services: {wanted!r} is not a service manager; use auto, systemd or service")
    # Only the one that is used is imported: imported modules stay in locked memory.
    if wanted == "systemd" or (wanted == "auto" and os.path.isdir(os.path.join(root, "run/systemd/system"))):
        from watchdog_oom.host.services.systemd.manager import Systemd
        return Systemd(root=root)
    from watchdog_oom.host.services.lsb import Lsb
    return Lsb(init_dir)
