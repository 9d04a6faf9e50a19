"""``watchdog-oom test``: unit tests of policies, on a simulated host about which the daemon's own code decides."""
