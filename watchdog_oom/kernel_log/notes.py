"""What a reader should know of a report before its numbers are believed."""

from __future__ import annotations

from watchdog_oom.formatting import size
from watchdog_oom.kernel_log.draft import Draft


def notes_on(draft: Draft, ram_bytes: int | None, of_whole_host: bool) -> tuple[str, ...]:
    """In words for people."""
    found = []
    present = sum(zone.counters.get("present", 0) for zone in draft.zones.values())
    if of_whole_host and ram_bytes and present and not ram_bytes // 2 < present < ram_bytes * 2:
        found.append(f"the zones have {size(present)}, but the report counts {size(ram_bytes)} of RAM: "
                     "zones are missing, or numbers were changed")
    if draft.summary and not draft.columns_seen and (draft.zones or draft.limits):
        found.append("there is no table of tasks: vm.oom_dump_tasks is 0, or its lines are missing")
    if draft.rows_cut:
        found.append(f"{draft.rows_cut:,} rows of the table of tasks are cut off at their right side: they are only "
                     "counted")
    if draft.rows_omitted:
        found.append(f"the table of tasks is longer than what is kept: {draft.rows_omitted:,} rows are only counted")
    return tuple(found)
