"""The flight recorder: its format."""

from __future__ import annotations

from bench import recording
from bench.table import Table


def run() -> tuple[Table, ...]:
    return (recording.table(),)
