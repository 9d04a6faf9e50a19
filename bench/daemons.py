"""The daemons that are compared, each started in the foreground on directories of its own and ended by pid."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.machine import interpreter

ROOT = Path(__file__).parent.parent
MAIL_SERVER = (ROOT / "policies" / "mail-server.toml").read_text()
READY_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Home:
    """Private directories of one daemon of ours."""

    path: Path

    def options(self) -> list[str]:
        names = ("policies", "state", "log", "runtime")
        return [word for name in names for word in (f"--{name}", str(self.path / name))] + [
            "--config", str(self.path / "none.toml")]


@contextmanager
def home(policy: str = MAIL_SERVER, *, directory: str = "") -> Iterator[Home]:
    """Directories that only we can write to, parents included, as policies need it."""
    with tempfile.TemporaryDirectory(dir=directory or _own_directory(), prefix="bench-") as made_there:
        made = Home(Path(made_there))
        made.path.chmod(0o755)
        (made.path / "policies").mkdir(mode=0o755)
        (made.path / "policies" / "policy.toml").write_text(policy)
        yield made


def _own_directory() -> str:
    return "/root" if os.geteuid() == 0 else str(Path.home())


def python(code: str, *arguments: str) -> list[str]:
    """A program of ours on the system's interpreter, with our packages, isolated and compiled as when installed."""
    return [interpreter(), "-I", "-S", "-X", f"pycache_prefix={_cache()}", "-c",
            f"import sys; sys.path[:0] = {_paths()!r}; {code}", *arguments]


def daemon(made: Home, *more: str) -> list[str]:
    """Our daemon, in the locale of its unit; it observes only, so that the host that is measured on is left alone."""
    return ["/usr/bin/env", "LC_ALL=C",
            *python("from watchdog_oom.daemon import main; main()", *made.options(), "--observe", *more)]


def _paths() -> list[str]:
    found = importlib.util.find_spec("sdnotify")
    packages = [] if found is None or found.origin is None else [str(Path(found.origin).parent.parent)]
    return [str(ROOT), *packages]


def _cache() -> Path:
    cache = ROOT / "build" / "bench-pycache"
    cache.mkdir(parents=True, exist_ok=True)
    return cache


def warm_up() -> None:
    """Start and stop our daemon once, so that everything is compiled and in the page cache."""
    with home() as made, running(daemon(made), ready=True):
        pass


@contextmanager
def running(argv: Sequence[str], *, ready: bool = False) -> Iterator[subprocess.Popen[bytes]]:
    """A daemon in the foreground; with ``ready``, from the moment it says so (sd_notify)."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    with ExitStack() as stack:
        ears = stack.enter_context(Ears()) if ready else None
        if ears is not None:
            environment["NOTIFY_SOCKET"] = ears.address
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd="/",
                                   stderr=subprocess.DEVNULL, env=environment)
        stack.callback(_end, process)
        if ears is not None:
            ears.wait_for(b"READY=1")
        yield process


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Ears:
    """Hears what a daemon tells its service manager."""

    def __init__(self) -> None:
        self.address = f"\0watchdog-oom-bench-{os.getpid()}-{time.monotonic_ns()}".replace("\0", "@", 1)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + self.address[1:])

    def __enter__(self) -> Ears:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def wait_for(self, word: bytes, seconds: float = READY_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._socket.settimeout(left)
            if word in self._socket.recv(4096).split(b"\n"):
                return
        raise TimeoutError(f"{word.decode()} did not come")


def monit_control(directory: Path) -> Path:
    """Monit watching the same things, as far as it can."""
    control = directory / "monitrc"
    control.write_text(
        f"set daemon 30\nset pidfile {directory}/pid\nset statefile {directory}/state\nset idfile {directory}/id\n"
        "check system host if memory usage > 90% then alert\n"
        "check process clamscan matching 'clamscan' if memory > 400 MB then alert\n"
        "check process mysqld matching 'mysqld' if memory > 8 GB then alert\n")
    control.chmod(0o600)
    return control


def peers(directory: Path) -> dict[str, list[str]]:
    """The installed peers by name, each as its package configures it, killing nothing."""
    known: dict[str, Callable[[], list[str]]] = {
        "nohang": lambda: ["nohang", "--config", "/etc/nohang/nohang.conf", "--monitor"],
        "earlyoom": lambda: ["earlyoom", "--dryrun", "-r", "3600"],
        "monit": lambda: ["monit", "-I", "-c", str(monit_control(directory))]}
    return {name: [str(shutil.which(name)), *argv()[1:]] for name, argv in known.items() if shutil.which(name)}


def missing_peers() -> tuple[str, ...]:
    """What is not compared, and why, in words."""
    missing = [f"{name}: not installed, skipped." for name in ("nohang", "earlyoom", "monit") if not shutil.which(name)]
    if not Path("/run/systemd/system").is_dir():
        missing.append("systemd-oomd: systemd does not run here, skipped.")
    return tuple(missing)


def bare() -> list[str]:
    """An interpreter that only sleeps, to show what Python itself costs."""
    return [interpreter(), "-I", "-S", "-c", "import time; time.sleep(900)"]


def here(code: str, *arguments: str) -> list[str]:
    """A command of ours on the benchmark's own interpreter, where all that the command imports is installed; compiled
    as when installed, also where the environment forbids to write compiled files."""
    return [sys.executable, "-E", "-X", f"pycache_prefix={_cache()}", "-c", code, *arguments]
