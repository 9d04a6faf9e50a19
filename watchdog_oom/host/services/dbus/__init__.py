"""A minimal non-blocking D-Bus client, enough to talk to PID 1."""
