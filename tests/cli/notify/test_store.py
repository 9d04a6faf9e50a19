"""The state on disk, killed, damaged, and used by two."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.notify.made import incident
from watchdog_oom.cli.notify.book import JournalPlace, NotifyBook
from watchdog_oom.cli.notify.store import STATE_NAME, NotifyStore
from watchdog_oom.errors import UsageError

WRITER = """
import itertools, sys
from watchdog_oom.cli.notify.book import JournalPlace, NotifyBook
from watchdog_oom.cli.notify.store import NotifyStore
store = NotifyStore(sys.argv[1])
for number in itertools.count(1):
    store.save(NotifyBook(JournalPlace(number, "x" * (number % 9000))))
    print(number, flush=True)
"""


@contextmanager
def opened(directory: Path) -> Iterator[NotifyStore]:
    directory.parent.chmod(0o755)
    store = NotifyStore(str(directory))
    try:
        yield store
    finally:
        store.close()


def test_what_was_saved_is_there_again(tmp_path: Path) -> None:
    book = NotifyBook(JournalPlace(7, "d"), {"x-1.1": incident()})
    with opened(tmp_path / "state") as store:
        assert store.load() == (NotifyBook(), "")
        assert store.save(NotifyBook()) == store.save(book) == ""
    with opened(tmp_path / "state") as store:
        assert store.load() == (book, "")
    assert (tmp_path / "state" / STATE_NAME).stat().st_mode & 0o777 == 0o600


def test_a_kill_at_any_moment_leaves_a_whole_state(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    last = 0
    for _ in range(3):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path / "state")], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        for _ in range(40):
            last = int(writer.stdout.readline())
        os.kill(writer.pid, signal.SIGKILL)
        rest = writer.communicate()[0].split()
        last = max([last, *map(int, rest)])
        with opened(tmp_path / "state") as store:
            book, trouble = store.load()
            assert trouble == ""
            assert book.place is not None
            assert book.place.seq in (last, last + 1)


def test_a_damaged_file_is_replaced_by_the_one_before_it_and_none_at_all_is_told(tmp_path: Path) -> None:
    book = NotifyBook(JournalPlace(7, "d"))
    state = tmp_path / "state" / STATE_NAME
    with opened(tmp_path / "state") as store:
        store.save(book)
        store.save(NotifyBook(JournalPlace(8, "d")))
        state.write_text("{")
        assert store.load() == (book, "")
        state.with_name(f"{STATE_NAME}.new").write_text("[]")
        found, trouble = store.load()
        assert found == NotifyBook()
        assert "could not be read and was set aside" in trouble
        assert state.with_name(f"{STATE_NAME}.damaged").read_text() == "{"


def test_a_second_one_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path / "state"), pytest.raises(UsageError, match="another watchdog-oom notify uses it"):
        NotifyStore(str(tmp_path / "state"))


def test_a_state_that_cannot_be_written_is_told_and_ends_nothing(tmp_path: Path) -> None:
    with opened(tmp_path / "state") as store:
        (tmp_path / "state" / f"{STATE_NAME}.new").mkdir()
        assert "cannot be written" in store.save(NotifyBook())
