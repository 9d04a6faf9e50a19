"""The incident in miniature: a mail server of real processes in a private directory, harmless to the rest of the host.

A filter starts scanners; the scanners wedge on a spool full of leftovers and grow; a database stands beside them.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

HERE = Path(__file__).parent
MOST_LEFTOVERS = 10


class MailServer:
    """Everything below ``home``; ``close`` ends every process it started, by pid."""

    def __init__(self, home: Path, *, scanner_mib: int = 60, pace_seconds: float = 1.0) -> None:
        self.home = home
        self.spool = home / "spool" / "vscan" / "tmp"
        self.init_dir = home / "init.d"
        self.port = free_port()
        self._children: list[subprocess.Popen[bytes]] = []
        for directory in (self.spool, self.init_dir, home / "bin", home / "run"):
            directory.mkdir(parents=True, exist_ok=True)
        for name in ("clamscan", "amavisd", "mysqld"):
            shutil.copy(os.path.realpath(sys.executable), home / "bin" / name)
            shutil.copy(HERE / f"{name}.py", home / "bin" / f"{name}.py")
        command = [self.program("amavisd"), "-S", "-E", f"{self.program('amavisd')}.py", str(self.port),
                   str(self.spool), self.program("clamscan"), f"{self.program('clamscan')}.py", str(MOST_LEFTOVERS),
                   str(scanner_mib), str(pace_seconds)]
        script = (HERE / "amavis.sh").read_text().replace("@HOME@", str(home)).replace("@COMMAND@", " ".join(command))
        self.script = self.init_dir / "amavis"
        self.script.write_text(script.replace("@PYTHONHOME@", sys.base_prefix))
        self.script.chmod(0o755)

    def program(self, name: str) -> str:
        return str(self.home / "bin" / name)

    def fill_spool(self, directories: int = 40, files: int = 10) -> None:
        """Leftovers of mails long gone; they become stale by waiting, for nobody can set a file's ctime."""
        for number in range(directories):
            entry = self.spool / f"amavis-old-{number:04d}"
            entry.mkdir()
            for part in range(files):
                (entry / f"part-{part}").write_bytes(b"x" * 100)

    def start_database(self, oom_score_adj: int | None = None) -> int:
        environment = {**os.environ, "PYTHONHOME": sys.base_prefix, "LD_LIBRARY_PATH": f"{sys.base_prefix}/lib"}
        child = subprocess.Popen([self.program("mysqld"), "-S", "-E", f"{self.program('mysqld')}.py"], env=environment)
        self._children.append(child)
        if oom_score_adj is not None:
            Path(f"/proc/{child.pid}/oom_score_adj").write_text(str(oom_score_adj))
        return child.pid

    def service(self, verb: str) -> int:
        return subprocess.run([str(self.script), verb], check=False, timeout=20).returncode

    def greeting(self) -> bytes:
        """What the filter says, or nothing if it hangs or is gone."""
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as connection:
            connection.settimeout(1)
            return connection.recv(100)
        return b""

    def processes(self, name: str) -> list[int]:
        """The pids that run a program of this server, told by their executable."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with suppress(OSError):
                    if os.readlink(entry / "exe") == self.program(name):
                        found.append(int(entry.name))
        return found

    def close(self) -> None:
        for _ in range(2):  # a filter that is being ended may just have started a scanner
            for name in ("amavisd", "clamscan", "mysqld"):
                for pid in self.processes(name):
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)
        for child in self._children:
            child.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
