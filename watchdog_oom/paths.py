"""Where the daemon's files are unless it is told otherwise, by hier(7); the only place that writes these paths."""

from __future__ import annotations

CONFIG = "/etc/watchdog-oom/watchdog-oom.toml"
POLICIES = "/etc/watchdog-oom/policies.d"
STATE = "/var/lib/watchdog-oom"
LOG = "/var/log/watchdog-oom"
RUNTIME = "/run/watchdog-oom"
