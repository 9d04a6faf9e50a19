"""A journal on disk and its lines, for the tests of this directory."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from typing import Any

import pytest

from watchdog_oom.host.syscalls import fallocate
from watchdog_oom.journal import Journal, Kind, Record

WRITER = """
import itertools, sys
from watchdog_oom.journal import Journal, Kind, Record
journal = Journal(sys.argv[1], boot_id="b", segment_bytes=int(sys.argv[2]), keep=int(sys.argv[3]))
journal.open()
print("ready", flush=True)
for number in itertools.count():
    journal.append(Record(Kind.LATE, result=str(number), detail={"text": "x" * (number * 37 % 9000)}))
"""
Writer = Callable[..., Journal]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def write(directory: Path) -> Iterator[Writer]:
    """Open a journal and append that many records; journals are closed at the end."""
    journals: list[Journal] = []

    def written(count: int = 0, *, where: Path | None = None, **options: Any) -> Journal:
        journal = Journal(str(where or directory), boot_id="b00t", **{"allocate": fallocate, **options})
        journals.append(journal)
        journal.open()
        for number in range(count):
            journal.append(Record(Kind.OUTCOME, rule="limit.x", result=f"ok {number}", because=("it was so",)))
        return journal

    yield written
    for journal in journals:
        journal.close()


@pytest.fixture
def records(directory: Path) -> Callable[[], list[dict[str, Any]]]:
    """The records of the current segment."""
    def read() -> list[dict[str, Any]]:
        return [json.loads(line) for line in (directory / "audit.jsonl").read_bytes().splitlines()]
    return read


@pytest.fixture
def start_writer(directory: Path) -> Iterator[Callable[..., Popen[bytes]]]:
    """A process that opens the journal, says so, and writes to it until it is killed."""
    started: list[Popen[bytes]] = []

    def start(segment_bytes: int = 1 << 20, keep: int = 10) -> Popen[bytes]:
        argv = [sys.executable, "-c", WRITER, str(directory), str(segment_bytes), str(keep)]
        process = Popen(argv, stdin=DEVNULL, stdout=PIPE)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
