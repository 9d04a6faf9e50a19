"""A case played: time passes on the simulated host, and the daemon's own ``decide`` is asked at each tick."""

from __future__ import annotations

from collections.abc import Iterator

from watchdog_oom.cli.policy_test.expectation import Done, done_by, first_missing, refused_yet_done
from watchdog_oom.cli.policy_test.scene import Scene
from watchdog_oom.cli.policy_test.simulated_host import SimulatedHost
from watchdog_oom.core.actions import Plan, Watch
from watchdog_oom.core.decide import decide
from watchdog_oom.core.guard import Budget
from watchdog_oom.core.history import History
from watchdog_oom.core.model import Snapshot
from watchdog_oom.lean_dataclasses import dataclass

TICK_SECONDS = 1.0
LONGEST_STEP_SECONDS = 60.0
TICKS_WHILE_CALM = 300   # so many at most while nothing happens, however long that is
SETTLE_SECONDS = 900.0   # what is under way at the end may take so long


@dataclass(frozen=True, slots=True)
class Played:
    """What was done, and the last look at the host with what the daemon remembered then."""

    scene: Scene
    done: tuple[Done, ...]
    snapshot: Snapshot
    history: History

    def failures(self) -> Iterator[str]:
        """Where the case is not as expected, in words."""
        missing = first_missing(self.scene.case.expect, self.done)
        if missing is not None:
            before = self.scene.case.expect[:self.scene.case.expect.index(missing)]
            yield f'"{missing}" was not done' + (f', at least not after "{before[-1]}"' if before else "")
        for pattern, line in refused_yet_done(self.scene.case.refuse, self.done):
            yield f'"{pattern}" is refused, but: {str(line).strip()} because {"; ".join(line.because)}'


def play(scene: Scene) -> Played:
    """The host stays as it is for ``after``, but for what the plan does to it; then what is under way is ended."""
    host, after = SimulatedHost(scene), scene.case.after_seconds
    calm_step = min(LONGEST_STEP_SECONDS, max(TICK_SECONDS, after / TICKS_WHILE_CALM))
    history, watch, budget = History(run_id="test"), Watch(), Budget()
    done: list[Done] = []
    while True:
        snapshot = host.look(watch)
        plan, history = decide(snapshot, scene.policy, history, budget)
        shown, watch = watch, plan.watch
        done += done_by(plan, host.elapsed)
        host.perform(plan)
        busy = watch != shown or _busy(host, plan, history)
        if host.elapsed >= after and (not busy or host.elapsed >= after + SETTLE_SECONDS):
            return Played(scene, tuple(done), snapshot, history)
        left = after - host.elapsed
        host.pass_time(TICK_SECONDS if busy or left <= 0 else min(calm_step, left))


def _busy(host: SimulatedHost, plan: Plan, history: History) -> bool:
    under_way = any(recovery.run is not None for recovery in history.recoveries.values())
    return host.busy or under_way or bool(plan.intents or history.terminations)
