"""How the keys of one table must fit together: a process noun, a protection, a limit, the intervals of ticks."""

from __future__ import annotations

from collections.abc import Mapping

from watchdog_oom.core.policy import Exceeds, Then
from watchdog_oom.lean_typing import Any
from watchdog_oom.policy.checker import Checker, Rule
from watchdog_oom.policy.clauses import check_bounds
from watchdog_oom.policy.lines import Path
from watchdog_oom.policy.schema import LIMITING_KEYS

COMM_BYTES = 15  # TASK_COMM_LEN without its NUL, proc(5)


def _process_rule(check: Checker, path: Path, table: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    if not table:
        check.fault(path, "says nothing, so it would match every process: give at least one key")
    elif not table.keys() - {"except", "namespaces"} and "except" in table:
        check.fault((*path, "except"), "says only who is left out, so it would match every other process: "
                                       "say who is meant")
    _tree_rule(check, path, table, values)
    for glob in values.get("name", ()):
        if len(glob.encode()) > COMM_BYTES and not set("*?[").intersection(glob):
            short = glob.encode()[:COMM_BYTES].decode("utf-8", "ignore")
            check.warn((*path, "name"), f'"{glob}" never matches: the kernel keeps {COMM_BYTES} bytes of a name; '
                                        f'write "{short}"')


def _tree_rule(check: Checker, path: Path, table: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Its own name as parent: the roots, which the other keys select, and everything below them."""
    if path[-1] not in values.get("parent", ()):
        return
    if len(values["parent"]) > 1:
        check.fault((*path, "parent"), "its own name means the whole tree, and cannot stand beside other parents: "
                                       "name those in a noun of the root's own")
    if not table.keys() - {"parent", "except", "namespaces"}:
        check.fault((*path, "parent"), f'"{path[-1]}" is the whole tree below what the other keys select, '
                                       "and there are none")


def _protect_rule(check: Checker, path: Path, table: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    if values.get("oom_score_adj") == -1000 and values.get("allow_unkillable") is not True:
        check.fault((*path, "oom_score_adj"), "-1000 makes it unkillable even when it alone fills the memory: "
                                              "write -999, or add allow_unkillable = true")


def _limit_rule(check: Checker, path: Path, table: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    if not any(key in table for key in LIMITING_KEYS):
        check.fault(path, f"limits nothing: give at least one of {', '.join(LIMITING_KEYS)}")
    _exceeds_rule(check, path, table, values)
    contains = values.get("then") == Then.CONTAIN
    check_bounds(check, path, table, values, contains=contains, wanted='then = "contain"')
    if contains and not any(key in table for key in ("memory_high", "total_rss", "rss")):
        check.fault(path, 'contains at what size? add memory_high = "SIZE", or a limit of rss or total_rss')


def _exceeds_rule(check: Checker, path: Path, table: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    of_group = [key for key in ("total_rss", "count") if key in table]
    queues = values.get("then") == Then.FREEZE and bool(of_group)
    if values.get("exceeds") == Exceeds.ALL:
        if queues:
            limits = " and ".join(of_group)
            check.fault((*path, "exceeds"), f'a queue (then = "freeze" with {limits}) keeps each of its limits: '
                                            "leave exceeds out")
        elif sum(key in table for key in LIMITING_KEYS) == 1:
            check.warn((*path, "exceeds"), "there is only one limit, so it changes nothing")
    if "first" in values and (queues or not of_group):
        why = ("a queue has its own order" if queues
               else "it says who goes first for total_rss and count, and neither is given")
        check.warn((*path, "first"), f"changes nothing: {why}")


def _tick_rule(check: Checker, path: Path, table: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    fastest, slowest = values.get("fastest", 0.1), values.get("slowest", 1.0)
    if fastest > slowest:
        check.fault((*path, "fastest" if "fastest" in values else "slowest"), "fastest must not be longer than slowest")


TABLE_RULES: Mapping[str, Rule] = {
    "process": _process_rule, "protect": _protect_rule, "limit": _limit_rule, "tick": _tick_rule}
