"""Copies to the system journal and to syslog, over real sockets."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.journal import Kind, Record, SystemLog
from watchdog_oom.journal.system_log import MESSAGE_IDS, journal_datagram, syslog_datagram
from watchdog_oom.lean_dataclasses import replace

RECORD = Record(Kind.OUTCOME, incident="7", rule="limit.x", step="KILL a[1]", result="ok", because=("one", "two"),
                target={"pid": 1, "name": b"a\nPRIORITY=0\xff".decode("utf-8", "surrogateescape")}, id="i1")


def _parse(datagram: bytes) -> list[tuple[str, bytes]]:
    """As journald reads it: NAME=value, or NAME, a length of 8 bytes, and that many bytes."""
    fields, at = [], 0
    while at < len(datagram):
        end = datagram.index(b"\n", at)
        name, equals, value = datagram[at:end].partition(b"=")
        at = end + 1
        if not equals:
            length = int.from_bytes(datagram[at:at + 8], "little")
            value, at = datagram[at + 8:at + 8 + length], at + 8 + length + 1
        fields.append((name.decode("ascii"), value))
    return fields


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listening.bind(str(tmp_path / "socket"))
    listening.settimeout(5)
    yield listening
    listening.close()


def test_the_system_journal_gets_fields_that_no_name_of_a_process_can_forge(
        listener: socket.socket, tmp_path: Path) -> None:
    log = SystemLog(str(tmp_path / "socket"), str(tmp_path / "nothing"))
    log.send(RECORD, 42)
    fields = _parse(listener.recv(65536))
    assert [value for name, value in fields if name == "PRIORITY"] == [b"5"]
    assert [value for name, value in fields if name == "WATCHDOG_OOM_BECAUSE"] == [b"one", b"two"]
    told = dict(fields)
    assert told["WATCHDOG_OOM_TARGET_NAME"] == b"a\nPRIORITY=0\xff"
    assert (told["WATCHDOG_OOM_SEQ"], told["WATCHDOG_OOM_TARGET_PID"]) == (b"42", b"1")
    assert told["MESSAGE_ID"].decode() == MESSAGE_IDS[Kind.OUTCOME]
    assert told["MESSAGE"] == b"outcome: KILL a[1]: ok [limit.x] because one; two"
    log.close()


@pytest.mark.parametrize(("ok", "told", "priority"), [
    (True, b"true", b"5"), (False, b"false", b"4"), (None, None, b"5")])
def test_how_an_outcome_came_out_is_a_field_and_a_failure_is_a_warning(
        ok: bool | None, told: bytes | None, priority: bytes) -> None:
    fields = dict(_parse(journal_datagram(replace(RECORD, ok=ok), 42)))
    assert fields.get("WATCHDOG_OOM_OK") == told
    assert fields["PRIORITY"] == priority


@given(st.text(st.characters(codec=None)), st.dictionaries(st.text(), st.text(st.characters(codec=None))))
def test_any_text_frames_as_exactly_the_fields_that_were_meant(text: str, target: dict[str, str]) -> None:
    record = Record(Kind.INTENT, step=text, because=(text,), target=target)
    fields = _parse(journal_datagram(record, 1))
    assert len(fields) == 9 + len(target)
    assert all(name.isascii() and name.replace("_", "").isalnum() and len(name) <= 64 for name, _ in fields)


def test_every_kind_has_a_message_id_of_its_own() -> None:
    assert set(MESSAGE_IDS) == set(Kind)
    assert len(set(MESSAGE_IDS.values())) == len(Kind)
    assert all(len(value) == 32 and int(value, 16) for value in MESSAGE_IDS.values())


def test_syslog_gets_one_line_where_there_is_no_system_journal(listener: socket.socket, tmp_path: Path) -> None:
    log = SystemLog(str(tmp_path / "nothing"), str(tmp_path / "socket"))
    log.send(Record(Kind.REFUSED, step="KILL a\nb[1]", result="protected"))
    line = listener.recv(65536)
    assert line.startswith(b"<28>")
    assert b"\n" not in line
    assert line.endswith(b"]: refused: KILL a\\nb[1]: protected")
    log.close()


def test_a_syslog_line_has_the_old_form_and_is_at_most_1024_bytes() -> None:
    line = syslog_datagram(Record(Kind.LATE, result="x" * 5000), 0.0, 9)
    assert len(line) == 1024
    assert time.strptime("2026 " + line[4:19].decode(), "%Y %b %d %H:%M:%S")
    assert line[19:].startswith(b" watchdog-oomd[9]: late: xxx")


def test_a_host_with_neither_drops_nothing_and_raises_nothing(tmp_path: Path) -> None:
    log = SystemLog(str(tmp_path / "nothing"), str(tmp_path / "nothing"))
    log.send(RECORD)
    assert log.dropped == 0
    log.close()


def test_a_service_that_does_not_read_never_blocks_the_daemon(listener: socket.socket, tmp_path: Path) -> None:
    log = SystemLog(str(tmp_path / "socket"), str(tmp_path / "nothing"))
    started = time.perf_counter()
    for _ in range(5000):
        log.send(RECORD)
    assert log.dropped > 0
    assert time.perf_counter() - started < 30  # who is blocked is so for ever
    log.close()


def test_a_restarted_system_journal_is_found_again(tmp_path: Path) -> None:
    log = SystemLog(str(tmp_path / "socket"), str(tmp_path / "nothing"))
    for _ in range(2):
        (tmp_path / "socket").unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
            listening.bind(str(tmp_path / "socket"))
            listening.settimeout(5)
            log.send(RECORD)
            assert listening.recv(65536)
        log.send(RECORD)  # the name is still there, nobody listens
    assert log.dropped == 0
    log.close()
