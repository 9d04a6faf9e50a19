"""The endings under way: verify that the signalled are gone, escalate, give up on the unkillable (Laws 4 and 6)."""

from __future__ import annotations

from dataclasses import replace

from watchdog_oom.history import Ending, Stage
from watchdog_oom.model import ProcessId
from watchdog_oom.steps import NoteKind
from watchdog_oom.turn import Turn

KILL_WAIT_SECONDS = 5.0
SHUN_SECONDS = 60.0


def advance(turn: Turn) -> None:
    """Move each ending one step on, or close it."""
    failed = {report.intent_id for report in turn.view.snapshot.reports if not report.ok}
    for identity, ending in list(turn.endings.items()):
        if turn.view.snapshot.alive(identity) is None:
            _close(turn, identity, ending)
        elif ending.intent_id in failed:
            del turn.endings[identity]
            turn.shunned[identity] = turn.now + SHUN_SECONDS
        elif ending.stage is Stage.TERM and turn.now - ending.stage_since >= ending.grace_seconds:
            turn.escalate(identity)
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


def _close(turn: Turn, identity: ProcessId, ending: Ending) -> None:
    del turn.endings[identity]
    turn.ended_at = turn.now
    by = "KILL" if ending.stage is not Stage.TERM else "TERM"
    _tell(turn, identity, ending, f"ended after {by}")


def _tell(turn: Turn, identity: ProcessId, ending: Ending, result: str) -> None:
    turn.note(ending.rule, result, kind=NoteKind.OUTCOME, because=ending.because, incident=ending.incident,
              step=f"end {ending.comm}[{identity.pid}]", target=identity, comm=ending.comm,
              took_seconds=round(turn.now - ending.since, 3))
