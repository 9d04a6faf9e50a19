from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tests.miniature.daemon import MakeDaemon
from watchdog_oom.daemon.self_protection import missing_capabilities


def status_with(tmp_path: Path, effective: int) -> str:
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "status").write_text(f"Name:\tx\nCapEff:\t{effective:016x}\n")
    return str(tmp_path)


def test_every_capability_that_is_missing_is_told_with_its_loss(tmp_path: Path) -> None:
    told = missing_capabilities(status_with(tmp_path, (1 << 41) - 1 & ~(1 << 24)))
    assert len(told) == 1
    assert told[0].startswith("CAP_SYS_RESOURCE: oom_score_adj")


def test_full_root_lacks_nothing(tmp_path: Path) -> None:
    assert missing_capabilities(status_with(tmp_path, (1 << 41) - 1)) == ()


def listening(pid: int) -> Iterator[str]:
    """The sockets of a process that others can reach: of the network, or listening at a path (unix(7))."""
    inodes = set()
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            inodes.add(os.readlink(path).removeprefix("socket:[").rstrip("]"))
    for table in ("tcp", "tcp6", "udp", "udp6", "raw", "unix"):
        path = Path(f"/proc/{pid}/net/{table}")
        for fields in (line.split() for line in (path.read_text() if path.exists() else "").splitlines()[1:]):
            accepts = table != "unix" or int(fields[3], 16) & 0x10000
            if accepts and fields[6 if table == "unix" else 9] in inodes:
                yield " ".join((table, *fields[7:])) if table == "unix" else table


def test_a_running_daemon_listens_on_its_control_socket_alone_and_shows_others_its_status_only(
        daemon: MakeDaemon) -> None:
    watch = daemon("")
    watch.start()
    (place,) = listening(watch.pid)  # bound below an open directory, so the kernel shows that
    assert place.startswith("unix ") and place.endswith("/control")
    assert (watch.runtime / "control").stat().st_mode & 0o777 == 0o600
    with socket.create_server(("127.0.0.1", 0)):
        assert "tcp" in listening(os.getpid()), "it would have been found"
    files = [path for directory in (watch.state, watch.log, watch.runtime) for path in directory.iterdir()]
    assert [path.name for path in files if path.stat().st_mode & 0o004] == ["status.json"]
    assert watch.log.stat().st_mode & 0o077 == 0
