"""``export``: drop-ins and unit files for the service manager."""
