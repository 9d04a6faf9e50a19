"""The endings under way: verify that the signalled are gone, escalate, give up on the unkillable (Laws 4 and 6)."""

from __future__ import annotations

from watchdog_oom.core.actions import NoteKind
from watchdog_oom.core.history import Ending, Stage
from watchdog_oom.core.model import ProcessId
from watchdog_oom.core.tick import Turn
from watchdog_oom.formatting import printable
from watchdog_oom.lean_dataclasses import replace

KILL_WAIT_SECONDS = 5.0
SHUN_SECONDS = 60.0


def advance(turn: Turn) -> None:
    """Move each ending one step on, or close it."""
    failed = {report.intent_id for report in turn.view.snapshot.reports if not report.ok}
    for identity, ending in list(turn.endings.items()):
        if turn.view.snapshot.alive(identity) is None:
            _close(turn, identity, ending, sent=ending.intent_id not in failed)
        elif ending.intent_id in failed:
            _not_sent(turn, identity, ending)
        elif ending.stage is Stage.TERM and turn.now - ending.stage_since >= ending.grace_seconds:
            _escalate(turn, identity, ending)
        elif ending.stage is Stage.KILL and turn.now - ending.stage_since >= KILL_WAIT_SECONDS:
            turn.endings[identity] = replace(ending, stage=Stage.UNKILLABLE, stage_since=turn.now)
            _tell(turn, identity, ending, f"unkillable: it still runs {KILL_WAIT_SECONDS:g}s after KILL "
                                          f"(state {turn.view.snapshot.processes[identity.pid].state})")


def unkillable(turn: Turn, identity: ProcessId) -> bool:
    ending = turn.endings.get(identity)
    return ending is not None and ending.stage is Stage.UNKILLABLE


def killing(turn: Turn) -> bool:
    """Whether memory is still on its way back: someone got KILL and is neither gone nor known to be unkillable."""
    return any(ending.stage is Stage.KILL for ending in turn.endings.values())


def _close(turn: Turn, identity: ProcessId, ending: Ending, *, sent: bool) -> None:
    del turn.endings[identity]
    turn.ended_at = turn.now
    by = "KILL" if ending.stage is not Stage.TERM else "TERM"
    _tell(turn, identity, ending, f"ended after {by}" if sent else f"gone before {by} was sent")


def _not_sent(turn: Turn, identity: ProcessId, ending: Ending) -> None:
    """Somebody else first. Where TERM had gone out, KILL is what is tried again, so that TERM goes out once (Law 4)."""
    turn.shunned[identity] = turn.now + SHUN_SECONDS
    if ending.stage is Stage.KILL and ending.stage_since > ending.since:
        turn.endings[identity] = replace(ending, stage=Stage.TERM, stage_since=turn.now, intent_id="")
    else:
        del turn.endings[identity]


def _escalate(turn: Turn, identity: ProcessId, ending: Ending) -> None:
    if identity in turn.shunned or turn.escalate(identity):
        return
    turn.endings[identity] = replace(ending, stage=Stage.UNKILLABLE, stage_since=turn.now)
    _tell(turn, identity, ending, "given up: it may not be killed any more")


def _tell(turn: Turn, identity: ProcessId, ending: Ending, result: str) -> None:
    turn.note(ending.rule, result, kind=NoteKind.OUTCOME, because=ending.because, incident=ending.incident,
              step=f"end {printable(ending.comm)}[{identity.pid}]", target=identity, comm=ending.comm,
              took_seconds=round(turn.now - ending.since, 3))
