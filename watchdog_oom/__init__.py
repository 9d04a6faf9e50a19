"""watchdog-oom: watches memory, swap and spools of a Linux server and recovers what wedges."""

__version__ = "0.1.0"
