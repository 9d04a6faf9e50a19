"""A journal that was written anew is found by the hashes another host collected, where its own chain is intact."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.journal import Journal, Kind, Record
from watchdog_oom.journal.attested import heads_in, unlike
from watchdog_oom.journal.head_mark import words
from watchdog_oom.journal.verify import verify

Writer = Callable[..., Journal]


def collected(journal: Journal) -> bytes:
    return f"Nov 26 03:00:00 web1 watchdog-oomd[7]: {words(journal.head)}\n".encode()


def test_the_journal_that_was_collected_from_agrees(directory: Path, write: Writer) -> None:
    journal = write(3)
    log = collected(journal)
    journal.append(Record(Kind.LATE, result="later"))
    log += collected(journal)
    assert unlike(str(directory), heads_in(log)) == ((), 0)


def test_a_whole_new_journal_is_intact_by_itself_and_differs_from_what_was_collected(
        directory: Path, write: Writer) -> None:
    journal = write(3)
    log = collected(journal)
    journal.close()
    shutil.rmtree(directory)
    write(5)
    assert verify(str(directory)).intact
    [fault] = unlike(str(directory), heads_in(log))[0]
    assert (fault.file, fault.line) == ("audit.jsonl", 3)
    assert "rewritten" in fault.what


def test_a_journal_begun_anew_and_shorter_is_cut_off(directory: Path, write: Writer) -> None:
    journal = write(9)
    log = collected(journal)
    journal.close()
    shutil.rmtree(directory)
    write(2)
    assert "cut off: record 9" in unlike(str(directory), heads_in(log))[0][0].what


def test_what_rotation_has_removed_is_counted_and_is_no_fault(directory: Path, write: Writer) -> None:
    journal = write(1, segment_bytes=1500, keep=2)
    log = collected(journal)
    for number in range(40):
        journal.append(Record(Kind.OUTCOME, result=f"ok {number}"))
    assert unlike(str(directory), heads_in(log + collected(journal))) == ((), 1)


def test_two_hashes_of_one_record_are_a_fault_whichever_is_true(directory: Path, write: Writer) -> None:
    journal = write(3)
    lie = b"record 3 has the SHA-256 " + b"a" * 64
    assert len(unlike(str(directory), heads_in(collected(journal) + lie))[0]) == 1


@given(st.binary())
def test_no_log_breaks_the_reader(text: bytes) -> None:
    assert all(len(digest) == 64 for known in heads_in(text + b"record 1 has the SHA-256 ").values()
               for digest in known)
