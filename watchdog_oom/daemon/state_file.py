"""What must survive a restart of the daemon within one boot: attempts, holds, and debts.

Debts are what a recovery has stopped and not started, former values of oom_score_adj, the frozen, former memory bounds
of units, and spools in whose trash something may lie. They are saved before the act that makes them, and with them what
one process of a queue is known to need and when routine cleanings are due. A file that is missing, damaged or
of another boot means a fresh start; the journal testifies to what was done, and nothing is ever taken up from it.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping

from watchdog_oom.core.cleaning import Cleaning
from watchdog_oom.core.descent import Lineage
from watchdog_oom.core.history import Contained, History, Queue, Recovery
from watchdog_oom.core.model import ProcessId
from watchdog_oom.core.pause import Pause
from watchdog_oom.core.requests import LONGEST_PAUSE_SECONDS
from watchdog_oom.core.scores import Adjusted, Attempt, Scores, Written
from watchdog_oom.daemon.atomic_file import read_own, swap_file
from watchdog_oom.lean_dataclasses import dataclass, field, replace
from watchdog_oom.lean_typing import Any

NAME = "state.json"
# What one needs is kept this coarsely, so that its slow forgetting does not write the file all the time.
NEED_STEP = 1.1
NEVER = 1e12
JUDGED_SECONDS = 3600  # so coarse that a file which need not change otherwise is written once an hour


@dataclass(frozen=True, slots=True)
class State:
    """What one run of the daemon leaves to the next.

    ``purging`` are the paths of spools, by noun, with a purge under way; ``unclosed`` the incidents, by recovery, in
    the middle of which the daemon ended; ``complete`` says that it ended in an orderly way and left nothing else
    behind. ``problem`` says in words why the file could not be used; ``reboot`` that it is of another boot.
    """

    history: History
    purging: Mapping[str, str] = field(default_factory=dict)
    unclosed: Mapping[str, str] = field(default_factory=dict)
    complete: bool = False
    problem: str = ""
    reboot: bool = False


def save(directory: str, plain: dict[str, Any]) -> None:
    """Write what ``to_plain`` made. Raises OSError."""
    swap_file(f"{directory}/{NAME}", json.dumps(plain).encode())


def restore(directory: str, boot_id: str, history: History) -> State:
    """The history, with what an earlier run of the daemon left, if it was in this boot. Never raises."""
    try:
        plain = json.loads(read_own(f"{directory}/{NAME}"))
        if plain["boot"] != boot_id:
            return State(replace(history, pauses=_pauses_of_another_boot(plain)), reboot=True)
        return from_plain(plain, history)
    except FileNotFoundError:
        return State(history)
    except OSError as error:
        why = error.strerror or str(error)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        why = "it is damaged"
    return State(history, problem=f"{directory}/{NAME} cannot be used: {why}; what it held is not known any more")


def to_plain(boot_id: str, history: History, purging: Mapping[str, str], *, complete: bool = False) -> dict[str, Any]:
    return {
        "boot": boot_id,
        "complete": complete,
        "recoveries": {name: _recovery_to_plain(state) for name, state in history.recoveries.items()},
        "adjusted": [[identity.pid, identity.start_ticks, adjusted.comm, adjusted.original, adjusted.value,
                      adjusted.since, adjusted.home, adjusted.write.rule]
                     for identity, adjusted in history.adjusted.items()],
        "scores": [[value, unit, written.since, written.label, written.rule, written.original]
                   for (value, unit), written in history.scores.written.items()],
        "judged_until": history.scores.judged_until // JUDGED_SECONDS * JUDGED_SECONDS if history.scores.written else 0,
        "frozen": [[identity.pid, identity.start_ticks, rule] for identity, rule in history.frozen.items()],
        "contained": [[unit, contained.rule, contained.noun, contained.high_bytes, contained.max_bytes,
                       contained.before_high_bytes, contained.before_max_bytes, contained.since, contained.at_runtime]
                      for unit, contained in history.contained.items()],
        "cleans": {name: [state.due, state.last_result, state.last_ended] for name, state in history.cleans.items()},
        "below": _descent_to_plain(history),
        "reparented": [[identity.pid, identity.start_ticks] for identity in sorted(history.descent.reparented)],
        "needs": {name: _coarse(queue.need_bytes) for name, queue in history.queues.items() if queue.settled},
        "purging": dict(purging),
        "pauses": [[rule, pause.until, pause.until_wall, pause.by, pause.why]
                   for rule, pause in history.pauses.items()]}


def from_plain(plain: dict[str, Any], history: History) -> State:
    """Raises ValueError, KeyError, TypeError or AttributeError for what ``to_plain`` did not write, in this release or
    an earlier one: keys that came later may be missing."""
    recoveries = {name: _recovery_from_plain(state) for name, state in plain["recoveries"].items()}
    adjusted = {ProcessId(pid, start): _adjusted_from_plain(comm, original, value, *rest)
                for pid, start, comm, original, value, *rest in plain["adjusted"]}
    scores = Scores({(value, unit): Written(*written) for value, unit, *written in plain.get("scores", ())},
                    judged_until=float(plain.get("judged_until", 0)))
    frozen = {ProcessId(pid, start): rule for pid, start, rule in plain["frozen"]}
    contained = {unit: replace(Contained(*bounds), done=0.0, seen=True) for unit, *bounds in plain.get("contained", ())}
    unclosed = {name: state["incident"] for name, state in plain["recoveries"].items() if state.get("incident")}
    pauses = {rule: Pause(*pause) for rule, *pause in plain.get("pauses", ())}
    cleans = {name: Cleaning(float(due), last_result=str(result), last_ended=ended)
              for name, (due, result, ended) in plain.get("cleans", {}).items()}
    below = {ProcessId(pid, start): frozenset(names) for pid, start, *names in plain.get("below", ())}
    reparented = frozenset(ProcessId(pid, start) for pid, start in plain.get("reparented", ()))
    queues = {name: Queue(float(need), seen_at=math.inf, settled=True) for name, need in plain.get("needs", {}).items()}
    return State(replace(history, recoveries=recoveries, adjusted=adjusted, scores=scores, frozen=frozen,
                         contained=contained, queues=queues, cleans=cleans, pauses=pauses,
                         descent=Lineage(below, frozenset(below), reparented)),
                 dict(plain.get("purging", {})), unclosed, bool(plain.get("complete", False)))


def _pauses_of_another_boot(plain: dict[str, Any]) -> dict[str, Pause]:
    """Maintenance may need a boot: what is left of each pause by the date, which may have been set meanwhile."""
    now, wall = time.clock_gettime(time.CLOCK_BOOTTIME), time.time()
    return {rule: Pause(now + min(until_wall - wall, LONGEST_PAUSE_SECONDS), until_wall, by, why)
            for rule, _, until_wall, by, why in plain.get("pauses", ())}


def _adjusted_from_plain(comm: str, original: int, value: int, since: float = NEVER, home: str = "",
                         rule: str = "") -> Adjusted:
    """An earlier release does not tell since when, so that nobody counts as born after it."""
    return Adjusted(comm, original, value, since, home, Attempt(rule=rule, touched=True))


def _coarse(need_bytes: float) -> int:
    """The next step above, so that the next life takes one rather to need too much than too little."""
    return round(NEED_STEP ** math.ceil(math.log(max(1.0, need_bytes), NEED_STEP)))


def _descent_to_plain(history: History) -> list[list[Any]]:
    """The orphans, since nothing else shows whose children they were; all, while a recovery may be stopping parents."""
    running = any(recovery.run is not None for recovery in history.recoveries.values())
    kept = history.descent.below.keys() if running else history.descent.orphans
    return [[identity.pid, identity.start_ticks, *sorted(history.descent.below[identity])] for identity in sorted(kept)]


def _recovery_to_plain(state: Recovery) -> dict[str, Any]:
    return {"started": state.started, "ended": state.ended, "last_result": state.last_result,
            "unhelped": state.unhelped, "held_since": state.held_since, "fingerprint": state.fingerprint,
            "incident": None if state.run is None else state.run.incident,
            "owed": state.stopped, "owed_triggers": state.stopped_triggers,
            "units": {name: state.units[name] for name in state.stopped if name in state.units}}


def _recovery_from_plain(plain: dict[str, Any]) -> Recovery:
    return Recovery(started=tuple(plain["started"]), ended=plain["ended"], last_result=plain["last_result"],
                    unhelped=plain["unhelped"], held_since=plain["held_since"], owed=tuple(plain["owed"]),
                    owed_triggers=tuple(plain["owed_triggers"]), fingerprint=str(plain.get("fingerprint", "")),
                    units={name: tuple(units) for name, units in plain.get("units", {}).items()})
