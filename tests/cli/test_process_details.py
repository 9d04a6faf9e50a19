"""What psutil reports about real processes: sockets and terminals of this test's own, and processes that are gone."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from watchdog_oom.cli.process_details import (
    UNKNOWN,
    DetailReader,
    Listener,
    ProcessDetails,
    listens_column,
    listens_on,
    read_details,
    terminal_column,
)
from watchdog_oom.core.model import Process
from watchdog_oom.host.processes.procfs import read_stat

LISTEN = """
import socket, sys
wide, narrow = socket.create_server(("", 0)), socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(narrow.getsockname())
datagrams, to_a_peer, of_a_client = (socket.socket(type=socket.SOCK_DGRAM) for _ in range(3))
datagrams.bind(("127.0.0.1", int(sys.argv[1])))
to_a_peer.bind(("127.0.0.1", int(sys.argv[2])))
to_a_peer.connect(datagrams.getsockname())
of_a_client.bind(("127.0.0.1", 0))
print(wide.getsockname()[1], narrow.getsockname()[1], flush=True)
sys.stdin.read()
"""


def _free_udp_port(first: int = 20000) -> int:
    for port in range(first, first + 1000):
        with socket.socket(type=socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")


@pytest.fixture
def child() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start Python with that program; it ends with its input, at the latest after the test."""
    children = []

    def started(program: str, *arguments: str, **how: Any) -> subprocess.Popen[str]:
        children.append(subprocess.Popen([sys.executable, "-I", "-S", "-c", program, *arguments], text=True,
                                         stdin=how.pop("stdin", subprocess.PIPE), stdout=subprocess.PIPE, **how))
        return children[-1]
    yield started
    for one in children:
        one.kill()
        one.communicate()


def _process(pid: int) -> Process:
    process = read_stat("/proc", pid)
    assert process is not None
    return process


def test_sockets_that_listen_are_told_and_those_of_clients_are_not(
        child: Callable[..., subprocess.Popen[str]]) -> None:
    datagrams = _free_udp_port()
    listening = child(LISTEN, str(datagrams), str(_free_udp_port(datagrams + 1)))
    assert listening.stdout is not None
    wide, narrow = map(int, listening.stdout.readline().split())
    known = DetailReader().of(_process(listening.pid))
    assert known.listens is not None
    assert set(known.listens) == {Listener(wide, "tcp", ""), Listener(narrow, "tcp", "127.0.0.1"),
                                  Listener(datagrams, "udp", "127.0.0.1")}
    assert known.to_plain()["listens"] == [str(one) for one in sorted(known.listens)]
    assert f"127.0.0.1:{narrow}/tcp" in listens_on(known.listens)


def test_a_terminal_that_was_opened_after_the_first_look_is_told_too(
        child: Callable[..., subprocess.Popen[str]]) -> None:
    DetailReader().of(_process(os.getpid()))
    pairs = [os.openpty() for _ in range(2)]
    names = [os.ttyname(theirs) for _, theirs in pairs]
    told = []
    for _, theirs in pairs:
        one = child("import fcntl\nfcntl.ioctl(0, 0x540e, 0)\nprint(flush=True)\ninput()", stdin=theirs,
                    start_new_session=True)
        assert one.stdout is not None
        one.stdout.readline()
        told.append(DetailReader().of(_process(one.pid)).terminal)
    for end in (end for pair in pairs for end in pair):
        os.close(end)
    assert told == names


def test_the_user_the_terminal_and_the_counters_are_told(child: Callable[..., subprocess.Popen[str]]) -> None:
    ours, theirs = os.openpty()
    name = os.ttyname(theirs)
    busy = "import sys, fcntl; fcntl.ioctl(0, 0x540e, 0)\nfor _ in range(3_000_000): pass\nprint(flush=True); input()"
    on_terminal = child(busy, stdin=theirs, start_new_session=True)
    os.close(theirs)
    assert on_terminal.stdout is not None
    on_terminal.stdout.readline()
    known = DetailReader().of(_process(on_terminal.pid))
    os.close(ours)
    assert (known.terminal, known.listens, known.threads) == (name, (), 1)
    assert terminal_column(known) == name.removeprefix("/dev/")
    assert known.user == psutil.Process().username()
    assert known.cpu_seconds is not None
    assert known.cpu_seconds > 0


def test_of_a_process_that_is_gone_nothing_is_known_and_of_a_zombie_what_is_left(
        child: Callable[..., subprocess.Popen[str]]) -> None:
    dying = child("pass")
    os.waitid(os.P_PID, dying.pid, os.WEXITED | os.WNOWAIT)
    zombie = _process(dying.pid)
    assert zombie.dead
    assert DetailReader().of(zombie).user == psutil.Process().username()
    dying.wait()
    assert DetailReader().of(zombie) == UNKNOWN
    assert read_details(dying.pid) == UNKNOWN


def test_a_recycled_pid_is_not_taken_for_who_had_it_before() -> None:
    ours = _process(os.getpid())
    assert DetailReader().of(ours) != UNKNOWN
    before = replace(ours, id=replace(ours.id, start_ticks=ours.id.start_ticks - 1))
    assert DetailReader().of(before) == UNKNOWN


def test_another_host_and_a_time_that_is_up_give_nothing(tmp_path: Path) -> None:
    ours = _process(os.getpid())
    assert DetailReader(str(tmp_path)).of(ours) == UNKNOWN
    assert DetailReader(seconds=0).of(ours) == UNKNOWN
    reader = DetailReader(seconds=1e-9)
    first = reader.of(ours)
    assert first != UNKNOWN
    assert reader.of(ours) is first, "it was read already"
    assert reader.of(_process(os.getppid())) == UNKNOWN


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_whoever_may_not_see_the_sockets_is_told_the_user_all_the_same(
        child: Callable[..., subprocess.Popen[str]]) -> None:
    roots = child("input()")
    program = (f"import os, sys; sys.path[:0] = {sys.path!r}\n"
               "import psutil\n"  # which that user may not be able to read here
               "from watchdog_oom.cli.process_details import read_details\n"
               "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
               f"known = read_details({roots.pid}); print(known.user, known.listens)")
    asked = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=20)
    assert (asked.stdout, asked.stderr) == ("root None\n", "")


@pytest.mark.parametrize(("listener", "text"), [
    (Listener(25, "tcp", ""), "25/tcp"), (Listener(3306, "tcp", "127.0.0.1"), "127.0.0.1:3306/tcp"),
    (Listener(953, "udp", "::1"), "[::1]:953/udp")])
def test_an_address_is_told_where_it_is_not_every_address(listener: Listener, text: str) -> None:
    assert str(listener) == text


def test_many_ports_are_counted_rather_than_listed() -> None:
    many = tuple(Listener(port, "tcp", "") for port in range(1, 6))
    assert listens_on(many) == "listens on 1/tcp, 2/tcp, 3/tcp and 2 more"
    assert listens_on(()) == ""
    columns = [listens_column(ProcessDetails(listens=ports)) for ports in (many, many[:1], (), None)]
    assert columns == ["1/tcp,2/tcp,…", "1/tcp", "-", "?"]


def test_a_slow_import_of_psutil_takes_nothing_of_the_time_for_reading() -> None:
    program = (f"import os, sys, time; sys.path[:0] = {sys.path!r}\n"
               "class Slow:\n"
               "    def find_spec(self, name, path, target=None):\n"
               "        if name == 'psutil': time.sleep(2.5)\n"
               "sys.meta_path.insert(0, Slow())\n"
               "from watchdog_oom.cli.process_details import DetailReader\n"
               "from watchdog_oom.host.processes.procfs import read_stat\n"
               "assert 'psutil' not in sys.modules\n"
               "reader = DetailReader(seconds=2.0)\n"
               "print([reader.of(read_stat('/proc', pid)).user is not None for pid in (os.getpid(), os.getppid())])")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=30)
    assert (done.stdout, done.stderr) == ("[True, True]\n", "")
