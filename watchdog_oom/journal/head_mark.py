"""The chain's head, told to the system's log once an hour: whoever collects that log is the chain's notary."""

from __future__ import annotations

from watchdog_oom.journal.chain import GENESIS, ChainLink
from watchdog_oom.journal.system_log import SystemLog

MARK_SECONDS = 3600.0
# Never change it: `journalctl MESSAGE_ID=…` finds all marks
MESSAGE_ID = "71d868cf9c2448d682c2aeb9b4009286"


class HeadMarks:
    """Told whatever was written meanwhile: a mark that does not come says that no daemon watches."""

    def __init__(self, log: SystemLog) -> None:
        self._log = log
        self._due = 0.0

    def keep(self, head: ChainLink, boottime: float) -> None:
        """Tell it if it is due; what the log does not take now is told the next time. Never waits."""
        if boottime >= self._due and self._tell(head):
            self._due = boottime + MARK_SECONDS

    def close(self, head: ChainLink) -> None:
        """The last one, with the record that says that the daemon ends."""
        self._tell(head)
        self._log.close()

    def _tell(self, head: ChainLink) -> bool:
        if head == GENESIS:
            return False
        place = f"{head.seq}:{head.digest.decode('ascii')}"
        return self._log.send_words(words(head), (("MESSAGE_ID", MESSAGE_ID), ("WATCHDOG_OOM_KIND", "head"),
                                                  ("WATCHDOG_OOM_HEAD", place)))


def words(head: ChainLink) -> str:
    """As ``attested.heads_in`` finds them again in any log."""
    return f"head: record {head.seq} has the SHA-256 {head.digest.decode('ascii')}"
