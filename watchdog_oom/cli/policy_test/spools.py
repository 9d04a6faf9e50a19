"""The spools of the simulated host: figures, and what a purge takes out of them."""

from __future__ import annotations

from watchdog_oom.cli.policy_test.case import Given
from watchdog_oom.cli.policy_test.scene import Scene
from watchdog_oom.core.model import SpoolState
from watchdog_oom.lean_dataclasses import replace


class SimulatedSpools:
    """Spools nobody speaks of are empty, on a filesystem that is half full."""

    def __init__(self, scene: Scene) -> None:
        nothing = Given((), {})
        self._in_use = {name for name, given in scene.case.spools.items() if given.get("in_use")}
        recorded = scene.recorded.spools if scene.recorded is not None else {}
        self._states = {name: recorded[name] if name in recorded and name not in scene.case.spools
                        else _state(scene.case.spools.get(name, nothing)) for name in scene.policy.spools}

    def states(self, now: float) -> dict[str, SpoolState]:
        return {name: replace(state, scanned_boottime=now) for name, state in self._states.items()}

    def purge(self, name: str, limit: int) -> bool:
        """The stale entries go, and with them their part of the space and an inode each."""
        state = self._states[name]
        taken = 0 if name in self._in_use else min(limit, state.stale)
        size = state.size_bytes * taken // state.entries if state.entries else 0
        left = state.stale - taken
        self._states[name] = replace(
            state, entries=state.entries - taken, stale=left, size_bytes=state.size_bytes - size,
            oldest_seconds=state.oldest_seconds if left else 0.0, space_free_bytes=state.space_free_bytes + size,
            inodes_free=min(state.inodes_total, state.inodes_free + taken))
        return True


def _state(given: Given) -> SpoolState:
    stale = given.get("stale", 0)
    space, inodes = given.get("space", 10 << 30), given.get("inodes", 1_000_000)
    return SpoolState(0.0, given.get("problem"), max(stale, given.get("entries", 0)), stale, given.get("size", 0),
                      given.get("oldest", 0.0), given.size("space_free", 50.0, space), space,
                      given.size("inodes_free", 50.0, inodes), inodes)
