from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.host.purge.open_files import Place
from watchdog_oom.host.purge.unix_sockets import by_path, parse_answer, parse_unix_sockets, sockets_in_use

HEAD = b"Num       RefCount Protocol Flags    Type St Inode Path\n"
LINE = b"0000: 00000002 00000000 00010000 0001 01 10544 "


def place_of(path: Path) -> Place:
    return Place(path.stat().st_dev, path.stat().st_dev)


@contextmanager
def listening(name: str | bytes) -> Iterator[None]:
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(name)
        yield


def test_a_bound_socket_is_told_whatever_its_path_and_a_forged_line_tells_nothing(spool_base: Path) -> None:
    (spool_base / "entry").touch()
    forged = b"\0x\n0: 00000002 00000000 00010000 0001 01 1 " + os.fsencode(spool_base / "entry")
    with listening(str(spool_base / "so\nck")), listening(forged):
        found = sockets_in_use(place_of(spool_base), "/proc", ())
    assert (spool_base / "so\nck").stat().st_ino in found
    assert (spool_base / "entry").stat().st_ino not in found


def test_a_socket_bound_by_a_relative_path_is_told(spool_base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(spool_base)
    with listening("sock"):
        monkeypatch.chdir("/")
        assert (spool_base / "sock").stat().st_ino in sockets_in_use(place_of(spool_base), "/proc", ())


def test_bound_sockets_are_told_by_path_even_with_spaces_and_bytes_that_are_no_text() -> None:
    content = (HEAD + b"0000: 00000003 00000000 00000000 0001 03  1544\n" + LINE + b"/run/a b\xff\n"
               + LINE + b"@abstract\n")
    assert parse_unix_sockets(content) == ("/run/a b\udcff",)


def test_a_name_with_a_newline_counts_whole_and_hides_no_other() -> None:
    content = HEAD + LINE + b"/run/one\nmore\n" + LINE + b"@x\n0: 0 0 0 0 0 0 /forged\n" + LINE + b"/run/two\n"
    assert parse_unix_sockets(content) == ("/run/one", "/run/one\nmore", "/run/two")


def test_without_sock_diag_a_line_counts_only_if_it_leads_to_a_socket(spool_base: Path) -> None:
    (spool_base / "entry").touch()
    (spool_base / "net").mkdir()
    lines = [LINE + os.fsencode(spool_base / name) + b"\n" for name in ("entry", "sock", "so\nck", "gone")]
    (spool_base / "net" / "unix").write_bytes(HEAD + b"".join(lines))
    with listening(str(spool_base / "sock")), listening(str(spool_base / "so\nck")):
        found = set(by_path(str(spool_base), place_of(spool_base), ()))
    assert found == {(spool_base / name).stat().st_ino for name in ("sock", "so\nck")}


@given(st.lists(st.binary().filter(lambda name: b"\0" not in name), max_size=5))
def test_no_name_of_others_hides_a_bound_socket(names: list[bytes]) -> None:
    content = HEAD + b"".join(LINE + b"@" + name + b"\n" for name in names) + LINE + b"/run/ours\n"
    assert "/run/ours" in parse_unix_sockets(content)


@given(st.binary())
def test_any_bytes_are_read_without_an_error(content: bytes) -> None:
    parse_unix_sockets(content)
    try:
        parse_answer(content)
    except OSError as refused:
        assert refused.strerror
