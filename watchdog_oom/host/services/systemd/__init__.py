"""systemd as a service manager: over its private bus, or by systemctl."""
