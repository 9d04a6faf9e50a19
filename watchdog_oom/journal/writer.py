"""The daemon's write-ahead journal: append, queue, flush; it drops records rather than raise."""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Callable

from watchdog_oom.errors import NotPermittedError, UsageError, WatchdogError
from watchdog_oom.journal.chain import ChainLink
from watchdog_oom.journal.evidence import Evidence
from watchdog_oom.journal.record import ChainPlace, Moment, Record, format_line, now
from watchdog_oom.journal.reserve import Allocate
from watchdog_oom.journal.store import Store
from watchdog_oom.lean_dataclasses import replace

SEGMENT_BYTES = 8 << 20
KEEP_SEGMENTS = 10
QUEUE_LENGTH = 1024
_COSTS_RECORDS_ONLY = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM)


class Journal:
    """Law 8: the intent is written before the action, the outcome after it.

    "Written" means that write(2) succeeded. That survives any end of the daemon, which is the crash that matters here:
    when the host goes down, every service is started anew and nothing has to be restored, so no record waits for the
    disk. ``sync`` is for idle moments. An emergency kill uses ``queue`` before and ``flush`` after: it never waits for
    a disk.

    The evidence of an incident is written once, in its first record; the others name the incident.

    ``allocate`` reserves space ahead; without it a spare file does. ``copy`` is given every record once, with its
    number, or ``None`` if the file did not take it. ``dropped`` counts all records lost since the daemon started.
    """

    def __init__(self, directory: str, *, boot_id: str, segment_bytes: int = SEGMENT_BYTES, keep: int = KEEP_SEGMENTS,
                 allocate: Allocate | None = None, copy: Callable[[Record, int | None], None] | None = None,
                 clocks: Callable[[], Moment] = now) -> None:
        self.dropped = 0
        self._untold = 0
        self._boot_id = boot_id
        self._copy = copy
        self._clocks = clocks
        self._queue: deque[tuple[Record, Moment]] = deque()
        self._directory = directory
        self._evidence = Evidence()
        self._store = Store(directory, segment_bytes=segment_bytes, keep=keep, allocate=allocate)

    @property
    def last_seq(self) -> int:
        """The number of the newest record written."""
        return self._store.last.seq

    @property
    def head(self) -> ChainLink:
        """The newest record written, and its hash."""
        return self._store.last

    @property
    def damaged(self) -> str | None:
        """The damage found; it becomes ``detail.damaged`` of the next record, and is ``None`` after that."""
        return self._store.damaged

    def open(self) -> None:
        """Verify the current segment and continue it; a damaged one is set aside and a new one begun.

        Raises UsageError or NotPermittedError for a directory that must not be used. A full or failing disk does not
        raise: records are lost, and opening is retried.
        """
        try:
            self._store.open()
        except PermissionError as error:
            raise NotPermittedError(f"{self._directory}: cannot write the journal: {error.strerror}") from error
        except OSError as error:
            if error.errno not in _COSTS_RECORDS_ONLY:
                raise UsageError(f"{self._directory}: cannot write the journal: {error.strerror}") from error

    def append(self, record: Record) -> None:
        """Write one record, after those in the queue. Never raises: a record that cannot be written is counted, and
        the next one written says how many were lost."""
        moment = self._clocks()
        self.flush()
        self._write(record, moment)

    def queue(self, record: Record) -> None:
        """Keep one record in memory with its time, without touching the disk, until ``flush`` or ``append``."""
        if len(self._queue) >= QUEUE_LENGTH:
            self._lose()
            return
        self._queue.append((record, self._clocks()))

    def flush(self) -> None:
        """Write the queued records in order, with their original times."""
        while self._queue:
            self._write(*self._queue.popleft())

    def sync(self) -> None:
        """Flush everything to the disk (fdatasync). May take seconds: for idle moments."""
        self.flush()
        self._store.sync()

    def close(self) -> None:
        """Write the queued records, flush them to the disk, and close the files."""
        self.sync()
        self._store.close()

    def _write(self, record: Record, moment: Moment) -> None:
        store = self._store
        seq = None
        try:
            store.prepare(moment.boottime)
            if store.damaged is not None:
                record = replace(record, detail={**(record.detail or {}), "damaged": store.damaged})
            record = self._evidence.once(record)
            place = ChainPlace(store.last.seq + 1, store.last.digest, self._untold, store.first_kept)
            store.append(format_line(record, place, moment, self._boot_id))
        except (OSError, WatchdogError):
            self._lose()
        else:
            store.damaged = None
            self._untold = 0
            self._evidence.written(record)
            seq = store.last.seq
        if self._copy is not None:
            self._copy(record, seq)

    def _lose(self) -> None:
        self.dropped += 1
        self._untold += 1
