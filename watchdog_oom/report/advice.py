"""What to do now: lines of a policy, settings of services, commands. Each stands on something that was seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from watchdog_oom import formatting
from watchdog_oom.journal.told import HELD
from watchdog_oom.report import roles, said
from watchdog_oom.report.model import (
    HostHistory,
    LikelyTrigger,
    MemoryHolder,
    NameFacts,
    NightAct,
    NightIncident,
    Recommendation,
)
from watchdog_oom.report.policy_lines import (
    bound_of_each,
    noun_name,
    process_noun,
    protection,
    queue,
    spool_clean,
    writable,
)
from watchdog_oom.report.words import safe

_MOST = 8
_ROOM = 1.25


def advice_of(incidents: Sequence[NightIncident], history: HostHistory, holders: Sequence[MemoryHolder],
              trigger: LikelyTrigger | None, status: Mapping[str, Any] | None) -> tuple[Recommendation, ...]:
    """The most urgent first, each once."""
    found: dict[str, Recommendation] = {}
    for advice in (*_still_down(status), *_held(incidents), *_cause(trigger), *_killed_by_kernel(history, incidents),
                   *_ended_in_emergency(incidents, holders), *_cleaned(incidents, status), *_settings(holders),
                   *_observed(incidents)):
        found.setdefault(advice.words, advice)
    return tuple(found.values())[:_MOST]


def _still_down(status: Mapping[str, Any] | None) -> Iterator[Recommendation]:
    recoveries = (status or {}).get("recoveries")
    for name, state in recoveries.items() if isinstance(recoveries, dict) else ():
        for service in state.get("owed") or () if isinstance(state, dict) else ():
            yield Recommendation(f"Start {safe(service)} by hand: recover.{safe(name)} stopped it and could "
                                 "not start it again.", command="watchdog-oom status")


def _held(incidents: Sequence[NightIncident]) -> Iterator[Recommendation]:
    for incident in incidents:
        if said.begins(incident.result, HELD):
            name = incident.rule.partition(".")[2]
            yield Recommendation(f"Remove the cause of {incident.rule}, which tried and did not help; then arm it "
                                 "again.", command=f"watchdog-oom audit --rule {name}\nwatchdog-oom rearm {name}")


def _cause(trigger: LikelyTrigger | None) -> Iterator[Recommendation]:
    if trigger is not None and "cron job" in trigger.words:
        yield Recommendation("Mend that cron job: what it prints is mailed each time it runs. Until then send its "
                             "output elsewhere, or let its lines begin with MAILTO=\"\".", command="crontab -l")
    elif trigger is not None and trigger.words.startswith("a flood of mail"):
        yield Recommendation("Find out who sent the mail, and slow the senders down: with Postfix, "
                             "smtpd_client_message_rate_limit.", command="postqueue -p | tail")
    elif trigger is not None and trigger.words.startswith("a job of the scheduler"):
        yield Recommendation("Give that job a bound of its own, or another hour: systemd-run --scope -p MemoryMax=… "
                             "in its line holds it.")


def _killed_by_kernel(history: HostHistory, incidents: Sequence[NightIncident]) -> Iterator[Recommendation]:
    """Whom the kernel killed though it was not the cause deserves protection."""
    ended = {safe(act.target.get("name")) for incident in incidents for act in incident.acts
             if said.ends_process(act)}
    for name in dict.fromkeys(kill.name for kill in history.kernel_kills if not kill.in_group):
        facts = history.facts.get(name)
        if name in ended or facts is None or not writable(facts.exe):
            continue
        noun = noun_name(name)
        yield Recommendation(
            f"The kernel killed {name}: if it should live, protect it, and bound what took the memory.",
            f"{process_noun(noun, facts)}\n{protection(noun)}")


def _ended_in_emergency(incidents: Sequence[NightIncident], holders: Sequence[MemoryHolder],
                        ) -> Iterator[Recommendation]:
    """The last resort ended it: a limit of its own would have acted before everything was short. Where one of many was
    ended, it was their number, and a bound of each would end those that do their work."""
    ended: dict[tuple[str, Any], NightAct] = {}
    for act in (act for incident in incidents if incident.family == "emergency" for act in incident.acts):
        exe = act.target.get("exe")
        if said.ends_process(act) and isinstance(exe, str) and writable(exe):
            whom = (exe, act.target.get("user"))
            ended[whom] = max(ended.get(whom, act), act, key=_held_bytes)
    for (exe, _), act in ended.items():
        name = safe(act.target.get("name"))
        user = act.target.get("user")
        facts = NameFacts(exe=exe, user=user if isinstance(user, str) and writable(f"/{user}") else "")
        yield _bound(name, process_noun(noun_name(name), facts), act, holders)


def _bound(name: str, process: str, act: NightAct, holders: Sequence[MemoryHolder]) -> Recommendation:
    """``process`` is the table that selects it."""
    noun, held = noun_name(name), _held_bytes(act)
    all_of_them = next((one for one in holders if one.name == act.target.get("name") and one.count > 1
                        and one.held_bytes > 2 * held), None)
    if all_of_them is None:
        return Recommendation(
            f"Bound {name}, which the emergency had to end with {formatting.size(held)}, before it is one.",
            f"{process}\n{bound_of_each(noun, _rounded(held / _ROOM))}")
    together = all_of_them.held_bytes
    return Recommendation(
        f"Let {name} wait for its turn: {all_of_them.count} held {formatting.size(together)} together when the "
        f"emergency had to end one with {formatting.size(held)}.",
        f"{process}\n{queue(noun, _rounded(together / _ROOM))}")


def _held_bytes(act: NightAct) -> int:
    return int(act.target.get("rss") or 0) + int(act.target.get("swap") or 0)


def _cleaned(incidents: Sequence[NightIncident], status: Mapping[str, Any] | None) -> Iterator[Recommendation]:
    """A spool that a recovery had to clear and that no routine cleaning is about."""
    cleans = (status or {}).get("cleans")
    cleaned = {str(clean.get("spool")) for clean in cleans.values()} if isinstance(cleans, dict) else set()
    for act in (act for incident in incidents if incident.family == "recover" for act in incident.acts):
        spool = act.target.get("spool")
        if act.verb == "purge" and isinstance(spool, str) and spool not in cleaned and spool == noun_name(spool):
            yield Recommendation(f"Clean the spool {spool} as a routine, so that old entries never pile up again.",
                                 spool_clean(spool))


def _settings(holders: Sequence[MemoryHolder]) -> Iterator[Recommendation]:
    """Of those that held and grew much, the service's own setting is the better bound."""
    for holder in holders[:4]:
        setting = roles.setting_of(holder.name)
        if setting and holder.grown_bytes > 0.25 * holder.held_bytes and (holder.share_percent or 0) >= 5:
            yield Recommendation(f"{holder.name}: {holder.count} held {formatting.size(holder.held_bytes)}. Look at "
                                 f"{setting}.")


def _observed(incidents: Sequence[NightIncident]) -> Iterator[Recommendation]:
    for rule in dict.fromkeys(incident.rule for incident in incidents if incident.only_told):
        yield Recommendation(f"{rule} only observes. If what it would have done was right, let it act.",
                             command=f"watchdog-oom audit --rule {rule.partition('.')[2] or rule}")


def _rounded(amount_bytes: float) -> str:
    mib = max(16, int(amount_bytes) >> 20)
    step = 16 if mib < 1024 else 128
    return f"{mib // step * step}MiB"
