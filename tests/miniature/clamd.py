"""clamd, as far as its memory goes: at SIGUSR2 it loads its signatures beside the old ones, which it then gives back.

Arguments: its directory, and MiB of signatures. ``up`` is there while it answers, ``reloads`` has a dot for each reload
that has ended; where ``keeps`` is, the old signatures stay.
"""

import mmap
import os
import signal
import sys
import time

home, mib = sys.argv[1], int(sys.argv[2])


def loaded() -> mmap.mmap:
    signatures = mmap.mmap(-1, mib << 20)
    signatures.write(b"x" * (mib << 20))
    return signatures


signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
held = [loaded()]
open(f"{home}/up", "w").close()
while signal.sigwait({signal.SIGUSR2}):
    held.append(loaded())
    time.sleep(0.1)
    if not os.path.exists(f"{home}/keeps"):
        held.pop(0).close()
    with open(f"{home}/reloads", "a", encoding="ascii") as reloads:
        reloads.write(".")
