"""The desk behind the control socket: requests are judged, journaled with who asked and why, and answered.

Answers are said after the acts of the tick, when what was asked for is saved. Whoever asked for a run or for a reading
of the policy stays connected until that has ended.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress

from watchdog_oom.core.actions import Plan
from watchdog_oom.core.history import History
from watchdog_oom.core.model import Clock
from watchdog_oom.core.policy import Policy
from watchdog_oom.core.requests import Reload, Ruling, RunNow
from watchdog_oom.core.steering import came_out, steer
from watchdog_oom.daemon.control.asker import asker, peer_of
from watchdog_oom.daemon.control.caller import Caller
from watchdog_oom.daemon.control.listener import BUSY, ControlSocket
from watchdog_oom.daemon.control.parse import parse
from watchdog_oom.daemon.options import Options
from watchdog_oom.errors import UsageError
from watchdog_oom.journal.record import Kind, Record

MOST_FOLLOWING = 8
REFUSED_AGAIN_SECONDS = 60.0


class ControlDesk:
    """``trouble`` says why there is no socket, if there is none: the daemon watches without it. ``obeyed``: what was
    asked for at this tick changed something, such as a pause."""

    def __init__(self, options: Options, name_of: Callable[[int], str | None], write: Callable[[Record], None]) -> None:
        self.trouble = ""
        self.obeyed = False
        self._reload_asked = False
        self._proc, self._name_of, self._write = options.proc, name_of, write
        self._socket: ControlSocket | None = None
        try:
            self._socket = ControlSocket(options.runtime)
        except OSError as error:
            self.trouble = f"{options.runtime}/control cannot be made, so nobody can ask it anything: {error.strerror}"
        self._answers: list[tuple[Caller, Ruling]] = []
        self._runs: list[tuple[Caller, str]] = []
        self._reloads: list[Caller] = []
        self._told_at: dict[str, float] = {}
        self._untold: dict[str, int] = {}

    def filenos(self) -> tuple[int, ...]:
        return () if self._socket is None else (self._socket.fileno(),)

    @property
    def busy(self) -> bool:
        """Whether the loop should come back soon, though nothing wakes it."""
        return self._socket is not None and self._socket.busy

    def warm_up(self, clock: Clock, policy: Policy, history: History) -> None:
        """A request of our own from its reception to its answer, whose effect is thrown away: afterwards no first
        request needs a page that is not in memory yet (Law 11)."""
        if self._socket is None:
            return
        ours, theirs = socket.socketpair()
        with ours, suppress(OSError, UsageError):
            caller = Caller(theirs, *peer_of(theirs), clock.boottime)
            ours.send(b'{"v": 1, "ask": "pause", "rule": null, "for_seconds": 60}\n')
            who = asker(caller.pid, caller.uid, self._proc, self._name_of)
            _, answer = steer(parse(caller.request(clock.boottime) or b""), who.words, policy, history, clock)
            caller.end(answer)

    def attend(self, clock: Clock, policy: Policy, history: History) -> History:
        """Take one request, if there is one; the history with what it asks for."""
        if self._socket is None:
            return history
        taken = self._socket.take(clock.boottime)
        after = history if taken is None else self._judge(*taken, clock, policy, history)
        self.obeyed = after is not history
        self._tell_refused(self._socket, clock.boottime)
        return after

    def _judge(self, caller: Caller, line: bytes, clock: Clock, policy: Policy, history: History) -> History:
        who = asker(caller.pid, caller.uid, self._proc, self._name_of)
        try:
            request = parse(line)
        except UsageError as error:
            caller.end(Ruling(str(error), 2))
            self._refuse("unclear", f"a request of {who.words} was not understood: {error}", clock.boottime)
            return history
        if isinstance(request, Reload | RunNow) and len(self._runs) + len(self._reloads) >= MOST_FOLLOWING:
            answer = BUSY
        else:
            history, answer = steer(request, who.words, policy, history, clock)
        self._write(Record(Kind.REQUEST, rule=answer.rule, step=str(request), ok=answer.exit_status == 0,
                           because=(request.why,) if request.why else (),
                           result=f"asked by {who.words}: {answer.words}", detail=who.plain))
        self._reload_asked = self._reload_asked or (answer.follow and isinstance(request, Reload))
        caller.since = clock.boottime
        self._answers.append((caller, answer))
        return history

    def tell(self, plan: Plan, history: History) -> None:
        """After the acts of a tick: answer, and let those who wait know what was done."""
        for caller, answer in self._answers:
            if not answer.follow:
                caller.end(answer)
                continue
            caller.progress(answer.words)
            if answer.rule is None:
                self._reloads.append(caller)
            else:
                self._runs.append((caller, answer.rule))
        self._answers.clear()
        self._runs = [(caller, rule) for caller, rule in self._runs if _follow(caller, rule, plan, history)]
        self._reloads = [caller for caller in self._reloads if not caller.gone]

    def take_reload(self) -> bool:
        """Whether a reading of the policy was asked for since the last call."""
        asked, self._reload_asked = self._reload_asked, False
        return asked

    def reloaded(self, faults: tuple[str, ...], notes: tuple[str, ...]) -> None:
        """The policy files were read, after whatever was asked before."""
        words = "the policy files are broken: the last good policy stays in force" if faults else "; ".join(
            ("the policy files are in force", *notes))
        for caller in self._reloads:
            caller.end(Ruling(words, 2 if faults else 0), faults)
        self._reloads.clear()

    def close(self) -> None:
        stops = Ruling("the daemon stops", 4)
        for caller in (*self._reloads, *(caller for caller, _ in self._runs), *(one for one, _ in self._answers)):
            caller.end(stops)
        if self._socket is not None:
            self._socket.close()

    def _tell_refused(self, control: ControlSocket, now: float) -> None:
        for pid, uid in control.strangers:
            self._refuse("stranger", f"a request of {self._name_of(uid) or f'uid {uid}'} (pid {pid}) was refused: only "
                                     "root may ask", now)
        for caller, why in control.unclear:
            self._refuse("unclear", f"a request of uid {caller.uid} (pid {caller.pid}) was not understood: {why}", now)
        control.strangers.clear()
        control.unclear.clear()

    def _refuse(self, kind: str, words: str, now: float) -> None:
        """Once a minute with a count: how often that happens is others' choice (Law 11)."""
        last = self._told_at.get(kind)
        if last is not None and now - last < REFUSED_AGAIN_SECONDS:
            self._untold[kind] = self._untold.get(kind, 0) + 1
            return
        self._told_at[kind] = now
        more = self._untold.pop(kind, 0)
        since = f" ({more} more since the last one told)" if more else ""
        self._write(Record(Kind.REQUEST, ok=False, result=words + since))


def _follow(caller: Caller, rule: str, plan: Plan, history: History) -> bool:
    """Say what the plan did about the rule, and in the end how it came out; whether the caller still waits."""
    for note in plan.notes:
        if note.rule == rule:
            caller.progress(f"{note.action}: {note.result}" if note.action else note.result)
    for refusal in plan.refusals:
        if refusal.intent.rule == rule:
            caller.progress(str(refusal))
    ended = came_out(rule, caller.since, history)
    if ended is not None:
        caller.end(ended)
    return ended is None and not caller.gone
