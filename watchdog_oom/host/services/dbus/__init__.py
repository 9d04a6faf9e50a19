"""D-Bus without a library: just enough of it to speak with PID 1."""
