"""Where a log comes from: files of every kind, the journal, the kernel's buffer."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from watchdog_oom.cli.diagnose import sources
from watchdog_oom.cli.diagnose.sources import UnreadableLogError, of_boot, of_file, of_journal
from watchdog_oom.errors import NotPermittedError, UsageError, WatchdogError

TEXT = b"a line of the log\n" * 100_000


@pytest.mark.parametrize(("name", "pack"), [("kern.log", bytes), ("kern.log.2.gz", gzip.compress),
                                            ("kern.log.2.xz", lzma.compress), ("kern.log.2.bz2", bz2.compress)])
def test_a_file_is_read_plain_or_as_it_was_packed(tmp_path: Path, name: str, pack: Callable[[bytes], bytes]) -> None:
    (tmp_path / name).write_bytes(pack(TEXT))
    pieces = list(of_file(str(tmp_path / name)).pieces)
    assert b"".join(pieces) == TEXT
    assert len(pieces) > 1


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, bz2.compress])
def test_a_packed_file_that_is_cut_or_damaged_is_told(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    packed = pack(os.urandom(1 << 20))
    (tmp_path / "cut").write_bytes(packed[:len(packed) // 2])
    damaged = bytearray(packed)
    damaged[5000:5100] = bytes(100)
    (tmp_path / "damaged").write_bytes(bytes(damaged))
    for name in ("cut", "damaged"):
        with pytest.raises(UnreadableLogError, match=f"{name}: the packed file is damaged"):
            list(of_file(str(tmp_path / name)).pieces)


def test_a_hostile_file_name_is_escaped(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"a\\x1bb: No such file"):
        of_file(str(tmp_path / "a\x1bb"))


def test_a_loop_of_links_and_a_file_as_a_directory_are_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(UsageError, match="loop: Too many levels"):
        of_file(str(tmp_path / "loop"))
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="Not a directory"):
        of_file(str(tmp_path / "file/more"))


def test_a_device_without_lines_is_read_no_further_than_its_reader_wants() -> None:
    pieces = of_file("/dev/zero").pieces
    assert next(pieces)[:9] == bytes(9)


def test_the_kernels_buffer_is_read_to_its_present_end(tmp_path: Path) -> None:
    try:
        source = of_boot()
    except NotPermittedError:
        pytest.skip("the kernel's log may not be read here")
    assert source.this_boot
    assert all(isinstance(piece, bytes) for piece in source.pieces)


def test_without_the_device_dmesg_is_asked(tmp_path: Path) -> None:
    source = of_boot(str(tmp_path / "kmsg"))
    assert source.this_boot
    try:
        list(source.pieces)
    except WatchdogError as error:  # a container, or an ordinary user
        assert "kernel's log" in str(error)


def program(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_the_journal_is_asked_for_all_boots_and_for_the_killers_in_user_space(tmp_path: Path,
                                                                            monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "journalctl", 'echo "$@"; echo complaint >&2')
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    asked = b"".join(of_journal().pieces).decode()
    assert "--output=json _TRANSPORT=kernel + SYSLOG_IDENTIFIER=systemd-oomd" in asked
    assert " -b" not in asked
    assert " -k" not in asked  # which would mean this boot alone


@pytest.mark.parametrize(("script", "error", "words"), [
    ("echo No journal files were opened >&2; exit 1", UnreadableLogError, "No journal files were opened"),
    ("exit 7", UnreadableLogError, "no reason given")])
def test_a_journal_that_cannot_be_read_is_told_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                              script: str, error: type[Exception], words: str) -> None:
    program(tmp_path, "journalctl", script)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(error, match=words):
        list(of_journal().pieces)


def test_a_host_without_a_journal_is_told_what_to_give_instead(tmp_path: Path,
                                                               monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="cannot be read here: journalctl: No such file or directory; give a log"):
        list(of_journal().pieces)


def test_a_child_that_nobody_reads_any_more_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "journalctl", f"echo $$ > {tmp_path}/pid; exec yes line")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    pieces = of_journal().pieces
    next(pieces)
    pid = int((tmp_path / "pid").read_text())
    pieces.close()  # type: ignore[attr-defined]
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_what_is_read_at_once_is_bounded() -> None:
    assert sources._PIECE_BYTES <= 1 << 20
