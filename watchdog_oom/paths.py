"""The default paths of the daemon's files, by hier(7), and the name of its status; the only place that defines them."""

from __future__ import annotations

CONFIG = "/etc/watchdog-oom/watchdog-oom.toml"
POLICIES = "/etc/watchdog-oom/policies.d"
STATE = "/var/lib/watchdog-oom"
LOG = "/var/log/watchdog-oom"
RUNTIME = "/run/watchdog-oom"
STATUS_NAME, STATUS_VERSION = "status.json", 1  # in RUNTIME: the daemon writes it, the commands read it
