"""``watchdog-oom metrics``: what the daemon tells and did, for Prometheus."""
