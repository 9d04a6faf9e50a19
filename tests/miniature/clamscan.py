"""A scanner that hangs on a spool of many leftovers: it takes memory, never finishes, and ignores SIGTERM."""

import os
import signal
import sys
import time

spool, most_leftovers, most_mib = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
if len(os.listdir(spool)) <= most_leftovers:
    sys.exit(0)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
held: list[bytearray] = []
while True:
    if len(held) < most_mib:
        held.append(bytearray(os.urandom(4096)) * 256)
    time.sleep(0.1)
