"""Of a group that is beyond its limits, which have to go until the rest is within them. Pure."""

from __future__ import annotations

from bisect import bisect_left

from watchdog_oom.core.guard import untouchable
from watchdog_oom.core.held_memory import held_one_by_one, together
from watchdog_oom.core.matching import names_target
from watchdog_oom.core.model import Process, ProcessId
from watchdog_oom.core.nouns import ProcessNoun
from watchdog_oom.core.policy import Exceeds, First, Limit
from watchdog_oom.core.rules import exceeding
from watchdog_oom.core.rules.kill_escalation import unkillable
from watchdog_oom.core.tick import Tick
from watchdog_oom.core.view import View
from watchdog_oom.lean_typing import assert_never


def group_surplus(tick: Tick, limit: Limit, noun: ProcessNoun, group: tuple[Process, ...],
                  going: frozenset[ProcessId] = frozenset(),
                  among: frozenset[ProcessId] | None = None) -> list[Process]:
    """Which processes to act on: of those that may be touched, and are ``among`` those given, the first by the rule,
    until the rest is within the limits, as far as that can be told now: shared memory stays as long as one of those who
    share it, which the next look will show. Of a noun that is a whole tree, each tree goes whole, its root first.

    Processes that end anyway free memory first: those being terminated by any rule, and those ``going`` because they
    exceed limits of their own.
    """
    total_limit = (None if exceeding.total_unread(tick.view, limit, group)
                   else exceeding.size_bytes(tick.view, limit.total_rss))
    touchable = [process for process in group
                 if not unkillable(tick, process.id) and process.id not in tick.shunned
                 and untouchable(process, tick.view, explicit=names_target(noun, process)) is None]
    leaving = {process.id for process in touchable if process.id in going or process.id in tick.terminations}
    staying = [process for process in touchable if process.id not in leaving]
    units = _trees(tick.view, group, staying) if noun.whole_tree else [[process] for process in staying]
    in_turn = [unit for unit in _in_order(limit.first, units)
               if among is None or any(process.id in among for process in unit)]
    enough = all if limit.exceeds is Exceeds.ANY else any

    def suffices(number: int) -> bool:
        gone = leaving.union(process.id for unit in in_turn[:number] for process in unit)
        rest = [process for process in group if process.id not in gone]
        within = [len(rest) <= limit.count] if limit.count is not None else []
        if total_limit is not None:
            within.append(together(rest, total_limit).bytes <= total_limit)
        return enough(within)

    number = bisect_left(range(len(in_turn)), True, key=suffices)
    return [process for unit in in_turn[:number] for process in unit]


def _trees(view: View, group: tuple[Process, ...], processes: list[Process]) -> list[list[Process]]:
    """The processes by the tree of the group they are in, the oldest tree first, and in it the oldest process."""
    members = {process.id for process in group}
    trees: dict[ProcessId, list[Process]] = {}
    for process in processes:
        root = process.id
        for ancestor in view.ancestors(process):
            root = ancestor.id if ancestor.id in members else root
        trees.setdefault(root, []).append(process)
    return sorted(trees.values(), key=lambda tree: (tree[0].id.start_ticks, tree[0].pid))


def _in_order(first: First, units: list[list[Process]]) -> list[list[Process]]:
    """The first to act on first; ``units`` are the oldest first, and stay so among those that hold the same."""
    match first:
        case First.OLDEST:
            return units
        case First.NEWEST:
            return units[::-1]
        case First.LARGEST:
            held = held_one_by_one([process for unit in units for process in unit])
            return sorted(units, key=lambda unit: -sum(held[process.id] for process in unit))
        case _:
            assert_never(first)
