"""A minimal D-Bus client, enough to talk to PID 1.

The message format is written here for the sake of locked memory: jeepney takes 0.7 MiB more, with the ``typing`` that
it imports. The tests hold the one against the other. jeepney's blocking connection waits for its peer, and nothing in
the loop may wait; its other connections need asyncio or threads.
"""
