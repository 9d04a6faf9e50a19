"""When? The registry of condition families, one file each.

A family owns the keys of a ``when`` clause that belong together: those about one subject (``process``, ``spool``,
``service``) or, without a subject, about the host. The policy schema is generated from this registry, so a new
condition in a family touches only that family's file.
"""

from __future__ import annotations

from collections.abc import Mapping

from watchdog_oom.core.condition import Condition, Family
from watchdog_oom.lean_typing import Any


def families() -> tuple[Family, ...]:
    """Every family, in the order in which the reference lists them."""
    from watchdog_oom.core.conditions import kernel, memory, pressure, process, service, spool
    return (memory.FAMILY, pressure.FAMILY, kernel.FAMILY, service.FAMILY, process.FAMILY, spool.FAMILY)


def build(values: Mapping[str, Any]) -> tuple[Condition, ...]:
    """The conditions of one clause from its checked and converted values (``for`` apart).

    A family without a subject has one condition for each of its keys; a family with a subject has one condition for all
    of them, so that ``rss_above`` and ``runtime_above`` in one clause mean the same process.
    """
    conditions: list[Condition] = []
    for family in families():
        mine = {key: values[key] for key in family.keys if key in values}
        if not mine:
            continue
        if family.subject is None:
            conditions.extend(family.build({key: value}) for key, value in mine.items())
        else:
            conditions.append(family.build(mine))
    return tuple(conditions)
