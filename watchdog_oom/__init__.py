"""watchdog-oom: watches memory, swap and spools of a Linux server and recovers hung services."""

__version__ = "0.1.0"
