"""What must survive a restart of the daemon within one boot: attempts, holds, debts, and what has to be given back.

That is: former values of oom_score_adj, the frozen, former memory bounds of units. Written whole to a new file and
renamed into place. A file that is missing, damaged or of another boot means a fresh start; the journal, not this file,
is the record of what was done.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from watchdog_oom.core.history import Adjusted, Contained, History, Recovery
from watchdog_oom.core.model import ProcessId
from watchdog_oom.daemon.atomic_file import read_own, replace_file
from watchdog_oom.lean_dataclasses import replace

NAME = "state.json"


def save(directory: str, boot_id: str, history: History) -> bool:
    """Write the durable part of the history; whether that went well."""
    return replace_file(f"{directory}/{NAME}", json.dumps(to_plain(boot_id, history)).encode())


def restore(directory: str, boot_id: str, history: History) -> History:
    """The history with what an earlier life of the daemon left, if it was in this boot."""
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        plain = json.loads(read_own(f"{directory}/{NAME}"))
        if plain["boot"] == boot_id:
            return from_plain(plain, history)
    return history


def to_plain(boot_id: str, history: History) -> dict[str, Any]:
    return {
        "boot": boot_id,
        "recoveries": {name: {"started": state.started, "ended": state.ended, "last_result": state.last_result,
                              "unhelped": state.unhelped, "held_since": state.held_since, "owed": state.owed,
                              "owed_triggers": state.owed_triggers}
                       for name, state in history.recoveries.items()},
        "adjusted": [[identity.pid, identity.start_ticks, adjusted.comm, adjusted.original, adjusted.value]
                     for identity, adjusted in history.adjusted.items()],
        "frozen": [[identity.pid, identity.start_ticks, rule] for identity, rule in history.frozen.items()],
        "contained": [[unit, contained.rule, contained.noun, contained.high_bytes, contained.max_bytes,
                       contained.before_high_bytes, contained.before_max_bytes, contained.since, contained.at_runtime]
                      for unit, contained in history.contained.items()]}


def from_plain(plain: dict[str, Any], history: History) -> History:
    recoveries = {
        name: Recovery(started=tuple(state["started"]), ended=state["ended"], last_result=state["last_result"],
                       unhelped=state["unhelped"], held_since=state["held_since"], owed=tuple(state["owed"]),
                       owed_triggers=tuple(state["owed_triggers"]))
        for name, state in plain["recoveries"].items()}
    adjusted = {ProcessId(pid, start): Adjusted(comm, original, value, tried_at=0.0)
                for pid, start, comm, original, value in plain["adjusted"]}
    frozen = {ProcessId(pid, start): rule for pid, start, rule in plain["frozen"]}
    contained = {unit: replace(Contained(*bounds), done=0.0, seen=True) for unit, *bounds in plain.get("contained", ())}
    return replace(history, recoveries=recoveries, adjusted=adjusted, frozen=frozen, contained=contained)


def durable(history: History) -> tuple[object, ...]:
    """What ``save`` would write, comparable at every tick without writing it."""
    return ({name: replace(state, run=None) for name, state in history.recoveries.items()},
            {identity: adjusted.original for identity, adjusted in history.adjusted.items()},
            dict(history.frozen),
            {unit: (contained.high_bytes, contained.max_bytes) for unit, contained in history.contained.items()})
