"""The write-ahead journal as the daemon holds it: append, queue, flush; it loses records before it raises."""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Callable

from watchdog_oom.errors import NotPermittedError, UsageError, WatchdogError
from watchdog_oom.journal.record import ChainPlace, Moment, Record, format_line, now
from watchdog_oom.journal.reserve import Allocate
from watchdog_oom.journal.store import Store
from watchdog_oom.lean_dataclasses import replace

SEGMENT_BYTES = 8 << 20
KEEP_SEGMENTS = 10
QUEUE_LENGTH = 1024
_COSTS_RECORDS_ONLY = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM)


class Journal:
    """Law 8: the intent is written before the act, the outcome after it.

    "Written" means that write(2) took it. That survives any end of the daemon, which is the crash that matters here:
    when the host goes down, every service starts afresh and nothing has to be made good, so no record waits for the
    disk. ``sync`` is for calm moments. An emergency act uses ``queue`` before and ``flush`` after: it never waits for
    a disk at all.

    ``allocate`` reserves space ahead; without it a spare file does. ``copy`` is given every record once, with its
    number, or ``None`` if the file did not take it. ``hold_rotation`` is set while a recovery owes something, so that
    what it owes stays in the current segment (unless that grows to four times ``segment_bytes``). ``dropped`` counts
    all records lost since the daemon started.
    """

    def __init__(self, directory: str, *, boot_id: str, segment_bytes: int = SEGMENT_BYTES, keep: int = KEEP_SEGMENTS,
                 allocate: Allocate | None = None, copy: Callable[[Record, int | None], None] | None = None,
                 clocks: Callable[[], Moment] = now) -> None:
        self.hold_rotation = False
        self.dropped = 0
        self._untold = 0
        self._boot_id = boot_id
        self._copy = copy
        self._clocks = clocks
        self._queue: deque[tuple[Record, Moment]] = deque()
        self._directory = directory
        self._store = Store(directory, segment_bytes=segment_bytes, keep=keep, allocate=allocate)

    @property
    def last_seq(self) -> int:
        """The number of the newest record written."""
        return self._store.last.seq

    @property
    def damaged(self) -> str | None:
        """What was found wrong; it becomes ``detail.damaged`` of the next record, and is ``None`` from then on."""
        return self._store.damaged

    def open(self) -> None:
        """Verify the current segment and go on after it; a damaged one is set aside and a new one begun.

        Raises UsageError or NotPermittedError for a directory that must not be used. A disk that is full or failing
        raises nothing: it costs records, and opening is tried again.
        """
        try:
            self._store.open()
        except PermissionError as error:
            raise NotPermittedError(f"{self._directory}: cannot write the journal: {error.strerror}") from error
        except OSError as error:
            if error.errno not in _COSTS_RECORDS_ONLY:
                raise UsageError(f"{self._directory}: cannot write the journal: {error.strerror}") from error

    def append(self, record: Record) -> None:
        """Write one record, after those that are queued. Never raises: a record that cannot be written is counted, and
        the next one that can be says how many were lost."""
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
        """Write what is queued, in its order and with its times."""
        while self._queue:
            self._write(*self._queue.popleft())

    def sync(self) -> None:
        """Bring everything to the disk. May take seconds: for calm moments."""
        self.flush()
        self._store.sync()

    def close(self) -> None:
        """Write what is queued, bring it to the disk, and let go of the files."""
        self.sync()
        self._store.close()

    def _write(self, record: Record, moment: Moment) -> None:
        store = self._store
        seq = None
        try:
            store.prepare(moment.boottime, hold_rotation=self.hold_rotation)
            if store.damaged is not None:
                record = replace(record, detail={**(record.detail or {}), "damaged": store.damaged})
            place = ChainPlace(store.last.seq + 1, store.last.digest, self._untold)
            store.append(format_line(record, place, moment, self._boot_id))
        except (OSError, WatchdogError):
            self._lose()
        else:
            store.damaged = None
            self._untold = 0
            seq = store.last.seq
        if self._copy is not None:
            self._copy(record, seq)

    def _lose(self) -> None:
        self.dropped += 1
        self._untold += 1
