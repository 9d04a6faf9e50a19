"""``audit --follow``: the listing goes on as the daemon writes, until Ctrl-C or until nobody reads it any more."""

from __future__ import annotations

import errno
import os
import select
import sys
import time
from collections.abc import Callable

from watchdog_oom.cli.audit.listing import Listing
from watchdog_oom.cli.audit.tail import JournalTail
from watchdog_oom.cli.status.news import StatusNews
from watchdog_oom.journal.reader import Entry

_LONGEST_SECONDS = 1.0  # an act is shown at most that long after its beginning, with or without its outcome


def follow(directory: str, listing: Listing, chosen: Callable[[bytes], Entry | None],
           begun: Callable[[], None]) -> None:
    """List what is there, call ``begun``, then show what comes. Ends by KeyboardInterrupt, or by a BrokenPipeError as
    soon as the reader has gone, also when there is nothing to write."""
    tail = JournalTail(directory)
    news = StatusNews(directory, written=True)  # before the first look, so that no event is missed
    try:
        _add(tail, listing, chosen)
        listing.flush()
        begun()
        flushed = time.monotonic()
        while True:
            news.wait(_LONGEST_SECONDS)
            _add(tail, listing, chosen)
            if time.monotonic() - flushed >= _LONGEST_SECONDS:
                listing.flush()
                flushed = time.monotonic()
            sys.stdout.flush()
            _check_reader()
    finally:
        tail.close()
        news.close()


def _add(tail: JournalTail, listing: Listing, chosen: Callable[[bytes], Entry | None]) -> None:
    for line in tail.lines():
        entry = chosen(line)
        if entry is not None:
            listing.add(entry)


def _check_reader() -> None:
    """A pipe reports an error once its reader has closed it (poll(2)); files and terminals do not."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)
    if any(events & select.POLLERR for _, events in poll.poll(0)):
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
