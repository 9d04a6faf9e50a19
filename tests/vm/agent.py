"""Runs inside the guest: executes the commands that come through the virtio port, one JSON object a line each way.

It depends on nothing of the guest but Python, the kernel and its own port: it must answer while memory is exhausted,
dbus is stopped and the date jumps. So it is locked in memory, and the kernel never chooses it.
"""

from __future__ import annotations

import base64
import ctypes
import json
import os
import signal
import subprocess
import threading
from typing import Any

NAME = "agent"
PORTS = "/sys/class/virtio-ports"
MOST_OUTPUT_BYTES = 2 << 20
_answering = threading.Lock()


def main() -> None:
    """Answer until the port is gone; each request has a thread of its own."""
    ctypes.CDLL(None).mlockall(1)
    threading.stack_size(128 << 10)
    with open(_port(), "r+b", buffering=0) as port:
        _answer(port, {"id": 0, "boot": _boot_id()})
        pending = b""
        while True:
            part = port.read(1 << 16)
            if not part:
                # nobody is at the other end yet
                threading.Event().wait(0.1)
                continue
            *lines, pending = (pending + part).split(b"\n")
            for line in lines:
                threading.Thread(target=_serve, args=(port, line), daemon=True).start()


def _port() -> str:
    """The device of the port that was given our name, as the kernel tells it."""
    for port in os.listdir(PORTS):
        with open(f"{PORTS}/{port}/name") as file:
            if file.read().strip() == NAME:
                return f"/dev/{port}"
    raise FileNotFoundError(f"no port called {NAME} yet")


def _serve(port: Any, line: bytes) -> None:
    try:
        request = json.loads(line)
    except ValueError:
        return
    answer: dict[str, Any] = {"id": request["id"], "boot": _boot_id()}
    try:
        answer |= _do(request)
    except OSError as error:
        answer |= {"status": 255, "output": f"agent: {error}"}
    _answer(port, answer)


def _do(request: dict[str, Any]) -> dict[str, Any]:
    match request["do"]:
        case "run":
            return _run(request["command"], request["timeout"])
        case "put":
            with open(request["path"], "ab" if request["append"] else "wb") as file:
                file.write(base64.b64decode(request["data"]))
            return {"status": 0}
        case "get":
            with open(request["path"], "rb") as file:
                file.seek(request["offset"])
                return {"status": 0, "data": base64.b64encode(file.read(1 << 20)).decode()}
        case _:
            return {"status": 0}


def _run(command: str, timeout_seconds: float) -> dict[str, Any]:
    # To the kernel, what is started here is to be as any other process.
    child = subprocess.Popen(["/usr/bin/choom", "-n", "0", "--", "/bin/bash", "-c", command], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        output, _ = child.communicate(timeout=timeout_seconds)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        output, _ = child.communicate()
        return {"status": 124, "output": _text(output) + f"\nagent: not done within {timeout_seconds:g} s"}
    return {"status": child.returncode, "output": _text(output)}


def _text(output: bytes) -> str:
    return output[-MOST_OUTPUT_BYTES:].decode("utf-8", "backslashreplace")


def _answer(port: Any, answer: dict[str, Any]) -> None:
    data = json.dumps(answer).encode() + b"\n"
    with _answering:
        while data:
            data = data[port.write(data) or 0:]


def _boot_id() -> str:
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()


if __name__ == "__main__":
    main()
