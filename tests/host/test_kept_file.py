"""KeptFile against real files."""

import os
from pathlib import Path

from watchdog_oom.host.kept_file import KeptFile


def test_every_read_starts_at_the_beginning_and_sees_the_present_content(tmp_path: Path) -> None:
    path = tmp_path / "value"
    path.write_bytes(b"first")
    kept = KeptFile(str(path))
    assert kept.read() == b"first"
    path.write_bytes(b"second")
    assert kept.read() == b"second"
    kept.close()


def test_a_missing_file_is_nothing_and_says_so_until_it_appears(tmp_path: Path) -> None:
    path = tmp_path / "value"
    kept = KeptFile(str(path))
    assert kept.read() is None
    assert kept.problem == f"{path}: No such file or directory"
    path.write_bytes(b"here")
    assert kept.read() == b"here"
    assert kept.problem == ""
    kept.close()


def test_a_descriptor_that_went_bad_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "value"
    path.write_bytes(b"content")
    kept = KeptFile(str(path))
    assert kept.read() == b"content"
    before = set(os.listdir("/proc/self/fd"))
    fd = next(int(name) for name in before if os.path.realpath(f"/proc/self/fd/{name}") == str(path))
    os.close(fd)
    assert kept.read() == b"content"
    kept.close()


def test_a_file_longer_than_a_page_is_read_to_its_end() -> None:
    kept = KeptFile("/proc/self/smaps")
    content = kept.read()
    assert content is not None
    assert len(content) > 4096
    kept.close()
