"""The limits that a first policy proposes, from what is seen now, with the numbers."""

from __future__ import annotations

from collections.abc import Sequence

from watchdog_oom import formatting
from watchdog_oom.cli.init.host_facts import SeenProcess
from watchdog_oom.core.memory import Memory
from watchdog_oom.policy.units import format_size, parse_size

MIB = 1 << 20
ROOM = 3.0  # how much larger than the largest of today one may become
LEAST_BYTES = 256 * MIB
LEAST_SHARE = 0.25  # of RAM, where that is less
LARGEST_SHARE = 0.5  # of RAM, for one process that is smaller today
LEAST_ROOM = 1.5
JOBS_SHARE = 60  # percent of RAM


def rss_limit(processes: Sequence[SeenProcess], memory: Memory | None) -> tuple[str, str]:
    """The resident memory that one of these may hold, as a policy has it, and why: well above the largest of today."""
    largest = max(processes, key=lambda process: process.rss_bytes)
    least: float = LEAST_BYTES
    if memory is not None and memory.total_bytes:
        least = min(LEAST_BYTES, LEAST_SHARE * memory.total_bytes)
    wanted = max(ROOM * largest.rss_bytes, least)
    why = f"three times the largest now, {largest.comm}[{largest.pid}] with {formatting.size(largest.rss_bytes)}"
    if wanted == least:
        why = f"the largest now, {largest.comm}[{largest.pid}], holds {formatting.size(largest.rss_bytes)}"
    if memory is not None and memory.total_bytes and wanted > LARGEST_SHARE * memory.total_bytes:
        wanted = max(LARGEST_SHARE * memory.total_bytes, LEAST_ROOM * largest.rss_bytes)
        share = "half of the RAM" if wanted == LARGEST_SHARE * memory.total_bytes else "one and a half times that"
        why = (f"{share}; the largest now, {largest.comm}[{largest.pid}], holds "
               f"{formatting.size(largest.rss_bytes)}")
    return rounded(wanted), why


def job_limit(known: str, memory: Memory | None) -> str:
    """The size that is known to be enough for one, but no more of a small host than leaves the others some."""
    if known.endswith("%") or memory is None:
        return known
    return known if int(parse_size(known)[1]) <= memory.total_bytes * JOBS_SHARE / 100 else f"{JOBS_SHARE}%"


def rounded(amount_bytes: float) -> str:
    """A round size, not below the amount."""
    step = 64 * MIB if amount_bytes <= 1024 * MIB else 256 * MIB
    steps = max(1, -(-int(amount_bytes) // step))
    return format_size(("bytes", steps * step))


def seen_now(processes: Sequence[SeenProcess]) -> str:
    """How many there are and what they hold."""
    if not processes:
        return "none runs now"
    total = sum(process.rss_bytes for process in processes)
    largest = max(process.rss_bytes for process in processes)
    if len(processes) == 1:
        return f"now 1 process of {formatting.size(total)}"
    return (f"now {len(processes)} processes of {formatting.size(total)} together, the largest "
            f"{formatting.size(largest)}")
