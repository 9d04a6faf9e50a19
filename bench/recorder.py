"""The flight recorder: its format, and what it costs the daemon."""

from __future__ import annotations

from bench import recorder_in_daemon, recording
from bench.table import Table


def run() -> tuple[Table, ...]:
    return (recording.table(), recorder_in_daemon.table())
