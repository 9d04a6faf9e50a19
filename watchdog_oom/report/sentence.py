"""What happened, in one sentence: of one incident, and of the night."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from watchdog_oom import formatting
from watchdog_oom.report import said
from watchdog_oom.report.decline import worst_of
from watchdog_oom.report.model import HostHistory, HostPoint, NightAct, NightIncident
from watchdog_oom.report.words import clock, listed, number, safe_name, service_name, several

_LOW_PERCENT = 25.0
_LEAD_SECONDS = 300.0
_NEAR_SECONDS = 900.0
_LONGEST_REASON = 160
_CLEARED = re.compile(r"(\d{1,12}) entries (?:cleared|deleted)")


class Storyteller:
    """Knows the recording and the directories of the spools; tells incidents."""

    def __init__(self, history: HostHistory, paths: Mapping[str, str]) -> None:
        self._history = history
        self._paths = paths

    def clause(self, incident: NightIncident) -> str:
        """The incident without its end: when, what was wrong, what was done and how long that took."""
        if incident.only_told:
            words = next(news.words for news in incident.news if said.begins(news.words, *said.ONLY_TOLD))
            return f"at {clock(incident.opened)} {incident.rule} {words}"
        cause = self._cause(incident)
        return f"at {clock(incident.opened)} {'; '.join(part for part in (cause, self._done(incident)) if part)}"

    def ending(self, incident: NightIncident) -> str:
        """How it came out, where that has to be said."""
        if incident.closed is None:
            return "it is not over"
        if incident.ok is False:
            return f"this FAILED: {_short(incident.result)}" if incident.result else "not all of this succeeded"
        return ""

    def _cause(self, incident: NightIncident) -> str:
        ended = _names(incident, said.ends_process)
        waited = _names(incident, said.makes_wait)
        spool = self._spool(incident)
        short = self._shortage(incident)
        if ended and spool:
            who = listed(several(count, name) for name, count in ended.items())
            were = "was" if sum(ended.values()) == 1 else "were"
            return f"{who}, wedged on {spool}, took {short}" if short else f"{who} {were} wedged on {spool}"
        if spool:
            return f"{spool} were in the way"
        if incident.family == "emergency":
            return f"{short or 'the memory'} ran out"
        if ended and short:
            return f"{listed(several(count, name) for name, count in ended.items())} took {short}"
        if waited:
            return self._waiting(incident, waited)
        return _short(incident.because[0]) if incident.because else f"{incident.rule} acted"

    def _waiting(self, incident: NightIncident, waited: Counter[str]) -> str:
        times = sum(act.verb == "STOP" for act in incident.acts)
        of = _of_units(incident)
        until = f" until {clock(incident.end)}" if incident.end - incident.opened >= 60 else ""
        who = listed(several(count, name) for name, count in waited.items())
        went_on = " and continued" if any(act.verb == "CONT" for act in incident.acts) else ""
        their = "its" if sum(waited.values()) == 1 else "their"
        stopped = f", stopped {number(times)} times{went_on}" if times > 1 else ""
        return f"{who}{of} waited for {their} turn{until}{stopped}"

    def _done(self, incident: NightIncident) -> str:
        """What was done, as one who did it by hand would tell it."""
        acts = incident.acts
        stopped, started = (_services(acts, verb) for verb in ("stop", "start"))
        purged = any(act.verb == "purge" for act in acts)
        took = f" in {formatting.duration(incident.end - incident.opened)}" if incident.closed is not None else ""
        if stopped:
            doing = ["stopped", *(["cleared"] if purged else []), *(["started"] if started else [])]
            return f"{listed(stopped)} {'was' if len(stopped) == 1 else 'were'} {listed(doing)}{took}"
        parts = ["they were cleared"] if purged else []
        if started:
            parts.append(f"{listed(started)} {'was' if len(started) == 1 else 'were'} started again")
        ended = _names(incident, said.ends_process)
        if ended and not purged:
            parts.append(f"{listed(several(count, name) for name, count in ended.items())}{_of_units(incident)} "
                         f"{'was' if sum(ended.values()) == 1 else 'were'} ended")
        contained = sorted({safe_name(act.target.get("unit")) for act in acts if act.verb == "contain"})
        if contained:
            parts.append(f"{listed(contained)} got less memory")
        return f"{listed(parts)}{took}" if parts and (purged or started) else listed(parts)

    def _spool(self, incident: NightIncident) -> str:
        """``400 old entries of /var/spool/vscan/tmp``: as many as the recorder saw before, or as were cleared, if
        these are more: it may have missed the fullest moment."""
        name = next((str(act.target.get("spool")) for act in incident.acts if act.verb == "purge"), None)
        if name is None:
            return ""
        name = safe_name(name)
        stale = max((point.spools[name].stale for point in self._near(incident) if name in point.spools), default=0)
        stale = max(stale, *(cleared_by(act) for act in incident.acts))
        how_many = f"{stale:,} " if stale else ""
        return f"{how_many}old entries of {_short(self._paths.get(name, f'the spool {name}'))}"

    def _near(self, incident: NightIncident) -> list[HostPoint]:
        return [point for point in self._history.points
                if incident.opened - _LEAD_SECONDS <= point.at <= incident.end + 60]

    def _shortage(self, incident: NightIncident) -> str:
        """``the swap``, ``the memory``, ``memory and swap``, as far as one was nearly used up then."""
        worst = worst_of(self._near(incident))
        if worst is None:
            return ""
        swap = worst.swap_used_percent is not None and worst.swap_used_percent >= 100 - _LOW_PERCENT
        memory = worst.available_percent is not None and worst.available_percent <= _LOW_PERCENT / 2
        return ("memory and swap" if swap else "the memory") if memory else "the swap" if swap else ""


def cleared_by(act: NightAct) -> int:
    """How many entries a purge says it has cleared."""
    found = _CLEARED.match(act.result) if act.verb == "purge" else None
    return int(found[1]) if found is not None else 0


def kernel_clause(history: HostHistory) -> str:
    """Whom the kernel killed; or that it killed nobody, where the recorder would know."""
    killed = Counter(kill.name for kill in history.kernel_kills)
    if killed:
        return "the kernel killed " + listed(
            name if count == 1 else f"{name} ({number(count)} times)" for name, count in killed.items())
    if history.unnamed_kills:
        return f"the kernel killed {number(history.unnamed_kills)} process{'' if history.unnamed_kills == 1 else 'es'}"
    return ""


def weight(incident: NightIncident) -> tuple[int, float]:
    """The incident that matters most has the greatest: what failed or is not over, then by what was done."""
    rank = {"emergency": 5, "recover": 4, "limit": 2, "clean": 0}.get(incident.family, 1)
    rank += 3 if any(act.verb == "stop" for act in incident.acts) else 0
    rank += 1 if any(said.ends_process(act) for act in incident.acts) else 0
    rank += 10 if incident.ok is False or incident.closed is None else 0
    return (0 if incident.only_told else rank, -incident.opened)


def headline_of(incidents: Sequence[NightIncident], teller: Storyteller, history: HostHistory,
                untouched: str) -> str:
    """One sentence: the incident that mattered most, one that goes with it, and what became of everything else."""
    if not incidents:
        return ""
    heaviest = max(incidents, key=weight)
    near = [incident for incident in incidents if not incident.only_told
            and abs(incident.opened - heaviest.opened) <= _NEAR_SECONDS]
    alike = [incident for incident in near if _goes_with(incident, heaviest)]
    first = _as_one(alike) if len(alike) > 1 else heaviest
    second = max((incident for incident in near if incident is not heaviest and incident not in alike), key=weight,
                 default=None)
    clauses = [teller.clause(first), teller.ending(first)]
    if second is not None:
        begun = f"at {clock(first.opened)} "
        told = teller.clause(second)
        same = told.startswith(begun)
        clauses += [f"meanwhile {told.removeprefix(begun)}" if same else told, teller.ending(second)]
    clauses.append(kernel_clause(history))
    acted = [incident for incident in incidents if not incident.only_told]
    if acted and nothing_lost(incidents, history):
        clauses.append("nothing was lost")
    if untouched and acted:
        clauses.append(f"{untouched} was never touched")
    others = len(acted) - max(len(alike), not heaviest.only_told) - (second is not None)
    if others > 0:
        clauses.append(f"{number(others)} more incident{'' if others == 1 else 's'}")
    text = "; ".join(clause for clause in clauses if clause)
    return f"{text[:1].upper()}{text[1:]}."


def _goes_with(incident: NightIncident, heaviest: NightIncident) -> bool:
    """Whether it is the same once more, so that it is told together: an emergency seldom comes alone."""
    return incident.rule == heaviest.rule == "emergency" and all(
        one.closed is not None and one.ok is not False for one in (incident, heaviest))


def _as_one(alike: Sequence[NightIncident]) -> NightIncident:
    """Several as if they had been one, from the first opening to the last end."""
    ordered = sorted(alike, key=lambda incident: incident.opened)
    end = max(incident.end for incident in ordered)
    return replace(ordered[0], last=end, closed=end, acts=tuple(act for incident in ordered for act in incident.acts))


def nothing_lost(incidents: Sequence[NightIncident], history: HostHistory) -> bool:
    """All that was stopped runs again, verified; only stale entries that nobody used were deleted, as always; and
    nobody was ended but what a recovery is to end."""
    return not history.kernel_killed and all(
        incident.ok is True and (incident.family in ("recover", "clean") or not any(map(said.ends_process,
                                                                                        incident.acts)))
        for incident in incidents if not incident.only_told)


def _names(incident: NightIncident, wanted: Callable[[NightAct], bool]) -> Counter[str]:
    """How many processes of each name, each process once, by its last name: what a service starts has the name of
    that service until it is the program."""
    names = {act.process: said.process_name(act) for act in incident.acts if act.process}
    done_to = dict.fromkeys(act.process for act in incident.acts if act.process and wanted(act))
    return Counter(names[process] for process in done_to)


def _of_units(incident: NightIncident) -> str:
    """`` of amavis``: the services that the processes belong to; empty where none is known."""
    units = {service_name(str(act.target["unit"])) for act in incident.acts if act.process and act.target.get("unit")}
    return f" of {listed(sorted(map(safe_name, units)))}" if units else ""


def _services(acts: Sequence[NightAct], verb: str) -> list[str]:
    return list(dict.fromkeys(safe_name(service_name(str(act.target.get("unit")))) for act in acts
                              if act.verb == verb and act.target.get("unit")))


def _short(words: str) -> str:
    return words if len(words) <= _LONGEST_REASON else f"{words[:_LONGEST_REASON]}…"
