"""A mail filter: at its pace a mail, for every mail a scanner, at most five; it greets while a scanner is free."""

import os
import select
import socket
import subprocess
import sys
import time

port, spool, scanner, script, most_leftovers, most_mib, pace = sys.argv[1:]
listener = socket.create_server(("127.0.0.1", int(port)))
listener.setblocking(False)
running: list[subprocess.Popen[bytes]] = []
silent: list[socket.socket] = []
next_mail = time.monotonic()
number = 0
while True:
    running = [child for child in running if child.poll() is None]
    if time.monotonic() >= next_mail and len(running) < 5:
        next_mail = time.monotonic() + float(pace)
        number += 1
        mail = f"{spool}/amavis-mail-{number:04d}-{os.getpid()}"
        os.mkdir(mail)
        child = subprocess.Popen([scanner, "-S", "-E", script, spool, most_leftovers, most_mib], start_new_session=True)
        running.append(child)
        if len(os.listdir(spool)) <= int(most_leftovers):
            child.wait()
            os.rmdir(mail)
    if select.select([listener], [], [], 0.1)[0]:
        connection, _ = listener.accept()
        if len(running) < 5:
            connection.sendall(b"220 ready\r\n")
            connection.close()
        else:
            silent.append(connection)
