"""D-Bus: just enough of it to speak with PID 1, on the messages of jeepney.

jeepney encodes and decodes (0.3 MiB of locked memory, and only where systemd runs). The connection is by hand, and not
for memory: it takes 0.14 MiB, jeepney's blocking one 0.07. That one waits for its peer, and nothing in the loop may;
jeepney's others need asyncio (5.2 MiB) or threads.
"""
