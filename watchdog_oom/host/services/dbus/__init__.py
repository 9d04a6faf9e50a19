"""A minimal D-Bus client, enough to talk to PID 1, with the messages of jeepney.

jeepney encodes and decodes (0.3 MiB of locked memory, and only where systemd runs). The connection is written by hand,
and not to save memory: it takes 0.14 MiB, jeepney's blocking one 0.07. But that one waits for its peer, and nothing in
the loop may wait; jeepney's other connections need asyncio (5.2 MiB) or threads.
"""
