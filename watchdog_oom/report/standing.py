"""What still stands in the morning: held, owed, paused, frozen, contained; and which rules have not done anything.

The daemon's status file says it; without a running daemon the journal's last words have to do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from watchdog_oom import formatting
from watchdog_oom.report.model import NightIncident
from watchdog_oom.report.words import clock, listed, safe, safe_name

_ACTING = ("limit", "recover", "clean")


def standing_of(status: Mapping[str, Any] | None, incidents: Sequence[NightIncident]) -> tuple[str, ...]:
    """A line for each thing, the most urgent first."""
    return tuple(_of_status(status) if status is not None else _of_journal(incidents))


def idle_rules(status: Mapping[str, Any] | None, fired: Collection[str]) -> tuple[str, ...] | None:
    """The rules in force that neither acted nor reported; ``None`` if the rules are not known. Those that protect
    are not asked: they have nothing to do once it is done."""
    if status is None:
        return None
    rules = _mapping(status.get("rules"))
    known = [f"{kind}.{safe_name(name)}" for kind in _ACTING for name in _list(rules.get(kind))]
    return tuple(rule for rule in (*known, *(["emergency"] if "emergency" in rules else [])) if rule not in fired)


def spool_paths(status: Mapping[str, Any] | None, incidents: Iterable[NightIncident]) -> dict[str, str]:
    """The directory of each spool, by its name in the policy."""
    found = {safe_name(name): safe(spool["path"]) for name, spool in _mapping((status or {}).get("spools")).items()
             if isinstance(spool, dict) and "path" in spool}
    for act in (act for incident in incidents for act in incident.acts):
        if "spool" in act.target and "path" in act.target:
            found[safe_name(act.target["spool"])] = safe(act.target["path"])
    return found


def _of_status(status: Mapping[str, Any]) -> Iterator[str]:
    recoveries = _mapping(status.get("recoveries"))
    for name, state in recoveries.items():
        owed = [safe_name(service) for service in _list(state.get("owed"))] if isinstance(state, dict) else []
        if owed:
            yield f"still down, to be started: {listed(owed)} (stopped by recover.{safe_name(name)})"
    for name, state in recoveries.items():
        if isinstance(state, dict) and state.get("state") == "held":
            until = state.get("held_until")
            yield (f"recover.{safe_name(name)} is held: its attempts did not help"
                   + (f"; armed again at {clock(until)}" if isinstance(until, int | float) else ""))
        elif isinstance(state, dict) and state.get("state") == "running":
            yield f"recover.{safe_name(name)} is under way"
    for pause in _list(status.get("pauses")):
        if isinstance(pause, dict):
            yield (f"{safe_name(pause.get('rule'))} is paused until {clock(float(pause.get('until') or 0))} "
                   f"by {safe(pause.get('by'))}" + (f": {safe(pause['why'])}" if pause.get("why") else ""))
    yield from _held_down(status)


def _held_down(status: Mapping[str, Any]) -> Iterator[str]:
    frozen = [entry for entry in _list(status.get("frozen")) if isinstance(entry, dict)]
    if frozen:
        yield (f"{formatting.count(len(frozen), 'process').replace('processs', 'processes')} stopped until there is "
               f"room, by {listed(sorted({safe_name(entry.get('rule')) for entry in frozen}))}")
    for entry in _list(status.get("contained")):
        if isinstance(entry, dict):
            yield f"{safe_name(entry.get('unit'))} is contained by {safe_name(entry.get('rule'))}"
    trash = _mapping(status.get("trash"))
    for name in trash:
        yield f"the trash of the spool {safe_name(name)} is not deleted yet"
    if status.get("observe"):
        yield "the daemon observes only: it does nothing"
    if _mapping(status.get("policy")).get("stale"):
        yield "the policy files are broken: the last good policy is in force"


def _of_journal(incidents: Sequence[NightIncident]) -> Iterator[str]:
    last = {incident.rule: incident for incident in incidents if incident.name}
    for rule, incident in last.items():
        if incident.closed is None:
            yield f"{rule}: incident {incident.name} is not closed in the journal"
        elif incident.ok is False:
            yield f"{rule}: its last incident failed: {incident.result}"


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
