"""HTTP for this host alone."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.metrics.told import BOOT, value_of, write_journal
from watchdog_oom.cli.metrics.collector import DaemonCollector, registry_of
from watchdog_oom.cli.metrics.listening import address_of, server_of
from watchdog_oom.errors import UsageError, WatchdogError
from watchdog_oom.journal.record import Kind, Record


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    collector = DaemonCollector(str(tmp_path), str(tmp_path), BOOT)
    server = server_of("127.0.0.1", 0, registry_of(collector), patience_seconds=0.3)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()
    collector.close()


def asked(port: int, path: str = "/metrics", method: str = "GET") -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def test_each_request_reads_on_in_the_journal(port: int, tmp_path: Path) -> None:
    assert value_of(asked(port)[1], "late_rounds_total") == 0
    write_journal(tmp_path, [Record(Kind.LATE)])
    assert value_of(asked(port)[1], "late_rounds_total") == 1
    assert value_of(asked(port)[1], "late_rounds_total") == 1


def test_nothing_but_the_metrics_is_there(port: int) -> None:
    assert [asked(port, *request)[0] for request in (("/etc/passwd",), ("/metrics/x",), ("/metrics", "POST"))] == [
        404, 404, 404]


def test_a_connection_that_says_nothing_does_not_keep_others_waiting_for_long(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)):
        assert asked(port)[0] == 200


@pytest.mark.parametrize("text", ["0.0.0.0:9763", "[::]:9763", "192.0.2.1:9763"])
def test_only_loopback_is_listened_on(text: str) -> None:
    with pytest.raises(UsageError, match="only loopback"):
        address_of(text)


@pytest.mark.parametrize("text", ["9763", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:70000", "mail.example:9763", ""])
def test_what_is_no_address_is_told_so(text: str) -> None:
    with pytest.raises(UsageError, match="write an address and a port"):
        address_of(text)


def test_addresses_of_both_kinds_are_understood() -> None:
    assert [address_of(text) for text in ("127.0.0.1:9763", "localhost:1", "[::1]:9763")] == [
        ("127.0.0.1", 9763), ("127.0.0.1", 1), ("::1", 9763)]


def test_a_port_that_is_taken_is_an_error_in_words(port: int, tmp_path: Path) -> None:
    collector = DaemonCollector(str(tmp_path), str(tmp_path), BOOT)
    with pytest.raises(WatchdogError, match=f"cannot listen on 127.0.0.1:{port}"):
        server_of("127.0.0.1", port, registry_of(collector))
