"""A policy's protection as systemd drop-ins, so that it does not depend on the daemon alone. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from watchdog_oom.core.nouns import Size
from watchdog_oom.core.policy import Children, Limit, Policy, Protect, Then
from watchdog_oom.core.unit_name import full_name, is_unit_name
from watchdog_oom.policy.lines import Path

FILE_NAME = "50-watchdog-oom.conf"


@dataclass(slots=True)
class DropIn:
    """What one unit gets, and from which tables of the policy."""

    unit: str
    tables: list[Path] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)
    oom_score_adj: int | None = None
    resets_children: bool = False

    @property
    def path(self) -> str:
        """Below the directory of the units, such as /etc/systemd/system."""
        return f"{self.unit}.d/{FILE_NAME}"

    def text(self, places: Mapping[Path, str]) -> str:
        """The file: where each setting comes from as comments, then the settings."""
        lines = ["# Made by `watchdog-oom export systemd`; made again, it is replaced. It comes from"]
        lines += [f"#   {places[table]}" for table in self.tables]
        if self.resets_children:
            lines.append("# What the service starts inherits OOMScoreAdjust; watchdog-oomd puts it back to 0.")
        return "\n".join([*lines, "[Service]", *(f"{key}={value}" for key, value in self.settings.items())]) + "\n"


def drop_ins(policy: Policy, values: Mapping[str, Any]) -> tuple[list[DropIn], list[tuple[Path, str]]]:
    """The drop-ins by unit, and what could not be exported, with its table. ``values`` are the policy's plain values,
    in which units stand as they were written."""
    found: dict[str, DropIn] = {}
    warnings: list[tuple[Path, str]] = []
    for protect in policy.protects.values():
        for unit in _units(policy, values, ("protect", protect.name), protect.process, warnings):
            _protect(found.setdefault(unit, DropIn(unit)), protect)
    for limit in policy.limits.values():
        if limit.then is Then.CONTAIN:
            for unit in _units(policy, values, ("limit", limit.name), limit.process, warnings):
                _contain(found.setdefault(unit, DropIn(unit)), limit)
    return [found[unit] for unit in sorted(found)], warnings


def _protect(drop_in: DropIn, protect: Protect) -> None:
    """Of several protections the strongest holds. OOMPolicy=continue (systemd.service(5)): one process that the kernel
    takes is no reason for systemd to stop the others."""
    drop_in.tables.append(("protect", protect.name))
    wanted = [adj for adj in (drop_in.oom_score_adj, protect.oom_score_adj) if adj is not None]
    drop_in.oom_score_adj = min(wanted, default=None)
    if drop_in.oom_score_adj is not None:
        drop_in.settings["OOMScoreAdjust"] = str(drop_in.oom_score_adj)
        drop_in.resets_children = protect.children is Children.RESET and drop_in.oom_score_adj < 0
    drop_in.settings["OOMPolicy"] = "continue"


def _contain(drop_in: DropIn, limit: Limit) -> None:
    drop_in.tables.append(("limit", limit.name))
    for key, size in (("MemoryHigh", limit.contained_at), ("MemoryMax", limit.memory_max)):
        if size is not None:
            drop_in.settings.setdefault(key, _size(size))


def _size(size: Size) -> str:
    """Bytes, or percent of all RAM with the two decimals that systemd takes (systemd.resource-control(5))."""
    if size.percent is not None:
        return f"{round(size.percent, 2):g}%"
    return str(size.amount_bytes)


def _units(policy: Policy, values: Mapping[str, Any], table: Path, process: str,
           warnings: list[tuple[Path, str]]) -> Iterator[str]:
    """The services that a rule is about: those its process noun names, else the service noun of the rule's name, or of
    the process noun's."""
    names = list(values["process"][process].get("unit", ()))
    if not names:
        nouns = [policy.services[name] for name in (str(table[1]), process) if name in policy.services]
        names = [noun.unit for noun in nouns[:1]]
    if not names:
        remedy = f'add unit = "NAME.service" to [process.{process}], or a [service.{table[1]}]'
        warnings.append((table, f"no unit is known of it: {remedy}"))
    for name in names:
        unit = full_name(name)
        if set("*?[").intersection(name):
            warnings.append((table, f'"{name}" is a pattern: a drop-in needs the whole name of a unit'))
        elif not is_unit_name(unit) or not unit.endswith(".service"):
            warnings.append((table, f'"{name}" is no service, and only services take a drop-in of this kind'))
        else:
            yield unit
