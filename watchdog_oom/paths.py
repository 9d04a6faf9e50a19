"""The default paths of the daemon's files, by hier(7); the only place that defines them."""

from __future__ import annotations

CONFIG = "/etc/watchdog-oom/watchdog-oom.toml"
POLICIES = "/etc/watchdog-oom/policies.d"
STATE = "/var/lib/watchdog-oom"
LOG = "/var/log/watchdog-oom"
RUNTIME = "/run/watchdog-oom"
