"""``plan``: what the daemon would do now, and why."""
