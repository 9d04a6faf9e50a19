"""Who stood beside it all and was never touched: the database, or whoever else the daemon protects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from watchdog_oom.report import said
from watchdog_oom.report.model import HostHistory, NightIncident
from watchdog_oom.report.words import is_database, known_name, safe_name


def untouched_of(protected: Mapping[str, int], status: Mapping[str, Any] | None, incidents: Sequence[NightIncident],
                 history: HostHistory) -> str:
    """A protected program that ran through the whole time as far as is known: a database before others, then the
    largest. Empty if there is none."""
    names = dict(protected)
    for entry in (status or {}).get("protected") or ():
        if isinstance(entry, dict):
            names.setdefault(safe_name(entry.get("name")), 0)
    touched = {safe_name(act.target.get("name")) for incident in incidents for act in incident.acts
               if act.process is not None and not said.makes_wait(act)}
    touched |= {kill.name for kill in history.kernel_kills}
    touched |= {safe_name(act.target.get("service")) for incident in incidents for act in incident.acts}
    units = {act.target.get("unit") for incident in incidents for act in incident.acts if act.verb in ("stop", "start")}
    lasted = {name for name, _ in history.lasted}
    left = [name for name in names if name not in touched and (not history.samples or name in lasted)
            and (name not in history.facts or history.facts[name].unit not in units)]
    best = max(left, key=lambda name: (is_database(name), names[name]), default="")
    return known_name(best)
