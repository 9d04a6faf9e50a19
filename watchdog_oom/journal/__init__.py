"""The audit journal: append-only, hash-chained, written before every action."""

from watchdog_oom.journal.record import Kind, Moment, Record
from watchdog_oom.journal.system_log import SystemLog
from watchdog_oom.journal.writer import Journal

__all__ = ["Journal", "Kind", "Moment", "Record", "SystemLog"]
