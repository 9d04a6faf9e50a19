"""What a night's traces say: how full the swap became, how long everybody waited for memory, who was stopped."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

AUDIT = "/var/log/watchdog-oom/audit.jsonl"


@dataclass(frozen=True, slots=True)
class Sample:
    """The guest's memory at one moment; ``full_total_us`` is the kernel's sum since its boot."""

    at_seconds: float
    swap_free_mib: int
    full_total_us: int

    @classmethod
    def of(cls, at_seconds: float, meminfo: bytes, pressure: bytes) -> Sample:
        """From the two files of /proc. Raises ValueError where one of them is not what it should be."""
        swap = re.search(rb"^SwapFree:\s+(\d+) kB", meminfo, re.MULTILINE)
        full = re.search(rb"^full .*total=(\d+)", pressure, re.MULTILINE)
        if swap is None or full is None:
            raise ValueError("no SwapFree, or no full pressure")
        return cls(at_seconds, int(swap[1]) >> 10, int(full[1]))


@dataclass(frozen=True, slots=True)
class Acts:
    """What the audit journal holds: processes stopped and continued, and when the first recovery had succeeded."""

    stops: int = 0
    continues: int = 0
    cured_at_seconds: float | None = None


def pressure_since(samples: Sequence[Sample], since_seconds: float | None) -> float | None:
    """The share of time, in percent, in which all waited for memory, from then on; of the whole night for ``None``."""
    later = [sample for sample in samples if since_seconds is None or sample.at_seconds >= since_seconds]
    if len(later) < 2:
        return None
    waited_us = later[-1].full_total_us - later[0].full_total_us
    return waited_us / 1e4 / (later[-1].at_seconds - later[0].at_seconds)


def acts_of(audit: str, began_wall: float) -> Acts:
    """Read from the journal's lines; a line that is no record is passed over."""
    stops = continues = 0
    cured_at = None
    for line in audit.splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        step, result = str(record.get("step")), str(record.get("result"))
        if record.get("kind") == "intent":
            stops += step.startswith("STOP ")
            continues += step.startswith("CONT ")
        if cured_at is None and record.get("kind") == "incident" and result.startswith("closed: success"):
            cured_at = datetime.fromisoformat(record["time"]).timestamp() - began_wall
    return Acts(stops, continues, cured_at)
