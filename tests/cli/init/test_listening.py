"""Who listens where, from the lines of the kernel and from a real socket."""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack

from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.cli.init.host_facts import Listening
from watchdog_oom.cli.init.listening import parse_listening, ports_of, read_listening

HEAD = b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
REST = b"00000000:00000000 00:00000000 00000000   111        0"
MYSQL = b"   0: 0100007F:0CEA 00000000:0000 0A " + REST + b" 4711 1 0 100 0 0 10 0\n"
SMTP = b"   1: 00000000:0019 00000000:0000 0A " + REST + b" 4712 1 0 100 0 0 10 0\n"
ESTABLISHED = b"   2: 0100007F:0CEA 0100007F:9C40 01 " + REST + b" 4713 1 0 20 4 30 10 -1\n"
ANY6 = (b"   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 "
        b"00:00000000 00000000     0        0 4714 1 0 100 0 0 10 0\n")
ONE6 = ANY6.replace(b"00000000000000000000000000000000:0050", b"00000000000000000000000001000000:0050").replace(
    b"4714", b"4715")


def test_the_lines_of_the_kernel_are_understood() -> None:
    assert dict(parse_listening(HEAD + MYSQL + SMTP + ESTABLISHED)) == {4711: Listening(3306, "127.0.0.1"),
                                                                        4712: Listening(25)}
    assert dict(parse_listening(HEAD + ANY6 + ONE6)) == {4714: Listening(80), 4715: Listening(80, "::1")}


def test_a_probe_is_written_as_a_policy_has_it() -> None:
    assert [one.probe for one in (Listening(25), Listening(80, "::1"), Listening(1, "192.0.2.1"))] == [
        "127.0.0.1:25", "[::1]:80", "192.0.2.1:1"]


@given(st.binary(max_size=300))
def test_no_bytes_break_the_parser(content: bytes) -> None:
    list(parse_listening(HEAD + content))
    list(parse_listening(HEAD + MYSQL.replace(b"0100007F", content.replace(b" ", b""))))


def test_of_very_many_sockets_each_is_found() -> None:
    with ExitStack() as held:
        ports = {held.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1] for _ in range(100)}
        found = {door.port for door in ports_of("/proc", os.getpid(), read_listening("/proc"))}
    assert ports <= found


def test_a_real_socket_is_found_at_the_process_that_has_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert Listening(port, "127.0.0.1") in ports_of("/proc", os.getpid(), read_listening("/proc"))
    assert ports_of("/proc", 2**30, {}) == ()
