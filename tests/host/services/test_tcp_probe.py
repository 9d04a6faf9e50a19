"""Probes over TCP against real servers: greeting, silence, refusal, lies and floods."""

from __future__ import annotations

import ctypes
import fcntl
import os
import select
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.core.nouns import TcpProbe
from watchdog_oom.core.outcome import EffectReport, Outcome
from watchdog_oom.host.services.tcp_probe import TcpProbes, addresses, connected_to_itself, host_problem

GREETING = "220 [127.0.0.1] ESMTP amavisd-new service ready\r\n"


@pytest.fixture
def probes() -> Iterator[TcpProbes]:
    before = set(os.listdir("/proc/self/fd"))
    probes = TcpProbes()
    yield probes
    probes.close()
    assert set(os.listdir("/proc/self/fd")) <= before


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(10)
        yield listening


def to(server: socket.socket, expect: str | None = "220", host: str = "127.0.0.1") -> TcpProbe:
    return TcpProbe(host, server.getsockname()[1], expect)


def wait(probes: TcpProbes, now: float = 101.0) -> tuple[EffectReport, ...]:
    """What the loop does: look, and if there is nothing yet, look once more when woken."""
    reports = probes.poll(now)
    if not reports:
        select.select([probes], [], [], 0.5)
        reports = probes.poll(now)
    return reports


def report(probes: TcpProbes) -> EffectReport:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        reports = wait(probes)
        if reports:
            assert len(reports) == 1
            return reports[0]
    raise AssertionError("no report came")


def heard(probes: TcpProbes, server: socket.socket, *says: bytes) -> EffectReport:
    """The report on a server that says one thing after the other and then hangs up."""
    probes.start("i", to(server), 100.0)
    connection, _ = server.accept()
    with connection:
        for chunk in says:
            connection.sendall(chunk)
            if reports := wait(probes):
                return reports[0]
    return report(probes)


def test_the_expected_greeting_is_an_answer(probes: TcpProbes, server: socket.socket) -> None:
    result = heard(probes, server, GREETING.encode())
    place = f"127.0.0.1:{server.getsockname()[1]}"
    assert result == EffectReport("i", Outcome(True, f'{place} says "{GREETING.strip()}"'), 1.0, 101.0)
    assert probes.poll(102.0) == ()


def test_a_greeting_split_over_packets_is_put_together(probes: TcpProbes, server: socket.socket) -> None:
    assert heard(probes, server, b"2", b"2", b"0 ready\r\n").outcome.ok


def test_a_wrong_greeting_is_no_answer_once_the_server_hangs_up(probes: TcpProbes, server: socket.socket) -> None:
    result = heard(probes, server, b"421 \x1b[31mbusy\xff\r\n")
    assert not result.outcome.ok
    assert result.outcome.words.endswith(r"""closed the connection; it said "421 \x1b[31mbusy\\xff", not '220'""")


def test_a_server_that_hangs_up_without_a_word_is_no_answer(probes: TcpProbes, server: socket.socket) -> None:
    assert heard(probes, server).outcome.words.endswith("closed the connection; it said nothing")


def test_a_flood_without_the_expected_words_ends_at_4_kib(probes: TcpProbes, server: socket.socket) -> None:
    result = heard(probes, server, b"x" * 100_000)
    assert not result.outcome.ok
    assert "closed" not in result.outcome.words
    assert len(result.outcome.words) < 300


def test_expected_words_beyond_4_kib_are_not_looked_for(probes: TcpProbes, server: socket.socket) -> None:
    assert not heard(probes, server, b"x" * 4095 + b"220").outcome.ok


def test_a_silent_server_is_no_answer_when_time_is_up(probes: TcpProbes, server: socket.socket) -> None:
    probes.start("i", to(server), 100.0)
    connection, _ = server.accept()
    with connection:
        assert wait(probes, 104.9) == ()
        (result,) = probes.poll(105.0)
    assert (result.outcome.ok, result.took_seconds) == (False, 5.0)
    assert result.outcome.words.endswith("accepts the connection, but it said nothing within 5s")


def test_a_reset_is_no_answer(probes: TcpProbes, server: socket.socket) -> None:
    probes.start("i", to(server), 100.0)
    connection, _ = server.accept()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()
    assert "Connection reset by peer" in report(probes).outcome.words


def test_without_expected_words_a_connection_is_an_answer(probes: TcpProbes, server: socket.socket) -> None:
    probes.start("i", to(server, expect=None), 100.0)
    result = report(probes)
    assert result.outcome.ok
    assert result.outcome.words.endswith("accepts the connection")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_closed_port_is_told_at_once(probes: TcpProbes, server: socket.socket, host: str) -> None:
    probe = to(server, host=host)
    server.close()
    probes.start("i", probe, 100.0)
    result = report(probes)
    assert result.outcome == Outcome(False, f"no connection to {host}:{probe.port}: Connection refused")


def test_localhost_is_tried_by_ipv6_too(probes: TcpProbes) -> None:
    try:
        server = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this host has no IPv6")
    with server:
        probes.start("i", to(server, expect=None, host="localhost"), 100.0)
        assert report(probes).outcome.ok


def test_a_server_that_takes_no_connection_is_given_up_in_time(probes: TcpProbes) -> None:
    # A full queue of connections drops further ones: they stay under way.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        others = [socket.socket() for _ in range(4)]
        for other in others:
            other.setblocking(False)
            other.connect_ex(server.getsockname())
        probes.start("i", to(server), 100.0)
        assert wait(probes, 102.0) == ()
        assert probes.poll(105.0)[0].outcome.words.endswith(f":{server.getsockname()[1]} within 5s")
        for other in others:
            other.close()


def test_several_probes_at_once_are_kept_apart(probes: TcpProbes, server: socket.socket) -> None:
    probes.start("silent", to(server), 100.0)
    connection, _ = server.accept()
    probes.start("open", to(server, expect=None), 100.0)
    assert report(probes).intent_id == "open"
    connection.sendall(GREETING.encode())
    assert report(probes).intent_id == "silent"
    connection.close()


def test_waiting_for_an_answer_does_not_keep_the_loop_awake(probes: TcpProbes, server: socket.socket) -> None:
    probes.start("i", to(server), 100.0)
    connection, _ = server.accept()
    with connection:
        wait(probes)
        wait(probes)
        assert select.select([probes], [], [], 0.05)[0] == []


def test_a_socket_connected_to_itself_is_found_out() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        assert not connected_to_itself(sock)
        sock.connect(sock.getsockname())
        assert connected_to_itself(sock)


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_probe_that_would_connect_to_itself_is_refused_as_the_closed_port_it_is(host: str) -> None:
    def probe_the_only_local_port() -> bool:
        in_a_network_of_its_own()
        with open("/proc/sys/net/ipv4/ip_local_port_range", "w") as file:
            file.write("40001 40001")
        probes = TcpProbes()
        probes.start("i", TcpProbe(host, 40001), 100.0)
        return report(probes).outcome.words == f"no connection to {host}:40001: Connection refused"

    assert in_a_fork(probe_the_only_local_port)


def in_a_fork(work: Callable[[], bool]) -> bool:
    pid = os.fork()
    if pid == 0:
        status = 1
        with suppress(BaseException):
            status = 0 if work() else 1
        os._exit(status)
    return os.waitpid(pid, 0)[1] == 0


def in_a_network_of_its_own() -> None:
    """Move this process to a network with nothing but IPv4 loopback (network_namespaces(7), netdevice(7))."""
    if ctypes.CDLL(None).unshare(0x40000000) != 0:
        raise PermissionError
    with open("/proc/sys/net/ipv6/conf/all/disable_ipv6", "w") as file:
        file.write("1")
    with socket.socket() as sock:
        fcntl.ioctl(sock, 0x8914, struct.pack("16sh14x", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP


@pytest.mark.parametrize("host", ["mail.example.org", "127.1", "", "::1%lo", "1.2.3.4.5", "é", "a\0b"])
def test_a_name_is_refused_rather_than_resolved(probes: TcpProbes, host: str) -> None:
    assert host_problem(host)
    probes.start("i", TcpProbe(host, 25), 100.0)
    result = probes.poll(100.0)[0]
    assert not result.outcome.ok
    assert "give its address" in result.outcome.words


@given(st.ip_addresses())
def test_every_address_can_be_probed(address: object) -> None:
    assert [text for _, text in addresses(str(address))] == [str(address)]
