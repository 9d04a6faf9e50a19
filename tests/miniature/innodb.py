"""mysqld at its start: it wants its buffer pool at once, and ends with InnoDB's words where others hold the memory.

Arguments: its directory, the port where it answers, and the program that leaves it no room while it runs.
"""

import os
import socket
import sys

home, port, hog = sys.argv[1], int(sys.argv[2]), sys.argv[3]


def program(pid: str) -> str:
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return ""


with open(f"{home}/error.log", "a", encoding="ascii") as log:
    if any(program(name) == hog for name in os.listdir("/proc") if name.isdigit()):
        sys.exit(log.write("[ERROR] InnoDB: Cannot allocate memory for the buffer pool\n") and 1)
listening = socket.create_server(("127.0.0.1", port))
open(f"{home}/up", "w").close()
while True:
    listening.accept()[0].close()
