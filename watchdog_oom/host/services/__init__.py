"""Services: states, stops, starts, probes and memory bounds through this host's service manager."""
