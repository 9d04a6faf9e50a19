"""One virtual machine: booted, spoken to through a virtio port, and ended by its pid whatever happens."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from tests.vm.image import Image

ACCELERATOR = os.environ.get("VM_ACCEL", "tcg,thread=multi")
BOOT_SECONDS = 240.0
SHUTDOWN_SECONDS = 150.0
ANSWER_GRACE_SECONDS = 60.0
_CHUNK_BYTES = 256 << 10
_KERNEL_ARGUMENTS = "root=/dev/vda rw console=ttyS0 net.ifnames=0 loglevel=5 panic=-1 systemd.show_status=0"


class GuestError(RuntimeError):
    """The guest does not answer, or a command that had to succeed did not."""


class Answer(NamedTuple):
    """What a command in the guest ended with; 124 means that it was killed at its deadline."""

    status: int
    output: str


class Guest:
    """A running machine. Its disk is an overlay: what it writes is lost at ``close``, unless ``disk`` was given."""

    def __init__(self, image: Image, *, backing: Path | None = None, disk: Path | None = None, memory_mib: int = 512,
                 forward: Mapping[int, int] | None = None) -> None:
        self.place = Path(tempfile.mkdtemp(prefix="guest-"))
        self.console = self.place / "console.log"
        self.forward = dict(forward or {})
        self._number = 0
        self._received = b""
        self._answers: dict[int, dict[str, Any]] = {}
        self._socket: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._start(image, backing or image.disk, disk or self.place / "disk.qcow2", memory_mib)
            self._wait_for_agent(not_boot="", seconds=BOOT_SECONDS)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None,
                 ) -> None:
        self.close()

    def run(self, command: str, timeout: float = 120.0) -> Answer:
        """Run a line of bash in the guest; its output is stdout and stderr together."""
        answer = self._ask({"do": "run", "command": command, "timeout": timeout}, timeout + ANSWER_GRACE_SECONDS)
        return Answer(answer["status"], answer.get("output", ""))

    def check(self, command: str, timeout: float = 120.0) -> str:
        """Run a command that must end with 0; its output without the white space around it."""
        status, output = self.run(command, timeout)
        if status != 0:
            raise GuestError(f"in the guest: {command}\nended with status {status}: {output}")
        return output.strip()

    def until(self, command: str, timeout: float = 60.0, pause: float = 0.5) -> str:
        """Ask again and again until the command ends with 0; its output then."""
        deadline = time.monotonic() + timeout
        while True:
            status, output = self.run(command, max(5.0, min(timeout, 60.0)))
            if status == 0:
                return output.strip()
            if time.monotonic() >= deadline:
                raise GuestError(f"not within {timeout:g} s: {command}\nlast ended with status {status}: {output}")
            time.sleep(pause)

    def write(self, path: str, text: str) -> None:
        """Write a file in the guest, mode 0644, in a directory that is made where it is missing."""
        self.check(f"mkdir -p '{os.path.dirname(path)}'")
        self._put(text.encode(), path)

    def put(self, local: Path, path: str) -> None:
        """Copy a file into the guest."""
        self._put(local.read_bytes(), path)

    def get(self, path: str) -> bytes:
        """The content of a file in the guest."""
        data = b""
        while True:
            answer = self._ask({"do": "get", "path": path, "offset": len(data)}, ANSWER_GRACE_SECONDS)
            if answer["status"] != 0:
                raise GuestError(f"{path}: {answer['output']}")
            part = base64.b64decode(answer["data"])
            if not part:
                return data
            data += part

    def wait_until_up(self, timeout: float = BOOT_SECONDS) -> None:
        """Wait until everything that belongs to the boot has been started."""
        self.until("systemctl is-system-running --wait | grep -Eq 'running|degraded'", timeout, 1.0)

    def reboot(self) -> None:
        """Restart the guest in order, and wait until it is up again."""
        before = self._ask({"do": "ping"}, ANSWER_GRACE_SECONDS)["boot"]
        self.run("systemctl --no-block reboot")
        self._wait_for_agent(not_boot=before, seconds=SHUTDOWN_SECONDS + BOOT_SECONDS)
        self.wait_until_up()

    def shut_down(self) -> None:
        """Power the guest off in order, so that its disk is complete."""
        self.run("systemctl --no-block poweroff")
        assert self._process is not None
        try:
            self._process.wait(SHUTDOWN_SECONDS)
        except subprocess.TimeoutExpired:
            raise GuestError(f"the guest does not power off\n{self.console_tail()}") from None

    def console_tail(self, lines: int = 60) -> str:
        """The end of what the guest's kernel and its PID 1 wrote to the serial console."""
        if not self.console.exists():
            return "(nothing)"
        return "\n".join(self.console.read_text(errors="backslashreplace").splitlines()[-lines:])

    def close(self) -> None:
        """End the machine and remove what it left."""
        if self._socket is not None:
            self._socket.close()
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(30)
        shutil.rmtree(self.place, ignore_errors=True)

    def _start(self, image: Image, backing: Path, disk: Path, memory_mib: int) -> None:
        _overlay(backing, disk)
        _overlay(image.swap, self.place / "swap.qcow2")
        forwards = "".join(f",hostfwd=tcp:127.0.0.1:{outside}-:{inside}" for outside, inside in self.forward.items())
        argv = [
            "setpriv", "--pdeathsig", "KILL", "--", "qemu-system-x86_64", "-nodefaults", "-no-user-config",
            "-display", "none", "-machine", "q35", "-accel", ACCELERATOR, "-cpu", "max", "-smp", "2",
            "-m", str(memory_mib), "-kernel", image.kernel, "-initrd", image.initrd, "-append", _KERNEL_ARGUMENTS,
            "-drive", f"file={disk},if=virtio,format=qcow2,cache=unsafe",
            "-drive", f"file={self.place}/swap.qcow2,if=virtio,format=qcow2,cache=unsafe",
            "-netdev", f"user,id=net,restrict=on{forwards}", "-device", "virtio-net-pci,netdev=net,romfile=",
            "-device", "virtio-rng-pci", "-serial", f"file:{self.console}",
            "-chardev", f"socket,id=agent,path={self.place}/agent,server=on,wait=off",
            "-device", "virtio-serial-pci", "-device", "virtserialport,chardev=agent,name=agent",
        ]
        with (self.place / "qemu.log").open("wb") as log:
            self._process = subprocess.Popen([str(word) for word in argv], stdin=subprocess.DEVNULL, stdout=log,
                                             stderr=log)
        self._connect()

    def _connect(self) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        deadline = time.monotonic() + 20
        while self._socket.connect_ex(f"{self.place}/agent") != 0:
            if time.monotonic() > deadline:
                raise GuestError(f"qemu does not start: {self._said()}")
            self._still_runs()
            time.sleep(0.05)

    def _wait_for_agent(self, *, not_boot: str, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if self._ask({"do": "ping"}, 5.0)["boot"] != not_boot:
                    return
            except GuestError:
                self._still_runs()
            else:
                time.sleep(0.5)
        raise GuestError(f"the guest did not come up within {seconds:g} s\n{self.console_tail()}")

    def _put(self, data: bytes, path: str) -> None:
        for offset in range(0, max(1, len(data)), _CHUNK_BYTES):
            part = base64.b64encode(data[offset:offset + _CHUNK_BYTES]).decode()
            answer = self._ask({"do": "put", "path": path, "data": part, "append": offset > 0}, ANSWER_GRACE_SECONDS)
            if answer["status"] != 0:
                raise GuestError(f"{path}: {answer['output']}")

    def _ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        assert self._socket is not None
        self._number += 1
        number = self._number
        deadline = time.monotonic() + seconds
        self._socket.settimeout(seconds)
        try:
            self._socket.sendall(json.dumps({**request, "id": number}).encode() + b"\n")
        except OSError as error:
            raise GuestError(f"the guest takes no request: {error}; {self._said()}") from None
        while number not in self._answers:
            left = deadline - time.monotonic()
            if left <= 0:
                raise GuestError(f"no answer within {seconds:g} s to {str(request)[:200]}\n{self.console_tail(20)}")
            if select.select([self._socket], [], [], min(left, 1.0))[0]:
                self._receive(self._socket)
            else:
                self._still_runs()
        return self._answers.pop(number)

    def _receive(self, channel: socket.socket) -> None:
        part = channel.recv(1 << 16)
        if not part:
            raise GuestError(f"the guest is gone: {self._said()}\n{self.console_tail(20)}")
        *lines, self._received = (self._received + part).split(b"\n")
        for line in lines:
            try:
                answer = json.loads(line)
            except ValueError:
                continue  # half a line of a life before the reboot
            self._answers[answer["id"]] = answer

    def _still_runs(self) -> None:
        if self._process is not None and self._process.poll() is not None:
            raise GuestError(f"qemu ended with status {self._process.returncode}: {self._said()}")

    def _said(self) -> str:
        log = self.place / "qemu.log"
        return log.read_text(errors="backslashreplace")[-2000:] if log.exists() else ""


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def _overlay(backing: Path, disk: Path) -> None:
    kind = "qcow2" if backing.suffix == ".qcow2" else "raw"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", str(backing), "-F", kind, str(disk)], check=True,
                   timeout=60)
