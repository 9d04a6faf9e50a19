"""Where a key belongs that stands in the wrong place. For messages only."""

from __future__ import annotations

from collections.abc import Iterable

from watchdog_oom.policy.names import nearest
from watchdog_oom.policy.schema import CLAUSE, CONFIG, NAMED, PROBE, STEP, TABLES, Keys

_INSIDE: tuple[tuple[Keys, str], ...] = (
    (CLAUSE, "a clause of when"), (STEP, "a step of a [recover.NAME]"), (PROBE, "the probe of a [service.NAME]"))
_CONFIGURATION = "the configuration file, /etc/watchdog-oom/watchdog-oom.toml"


def where_key_belongs(name: str, here: Iterable[str]) -> str:
    """The words `` — it belongs in …``, else the nearest key that is right here, or nothing."""
    tables = [f"[{table}.NAME]" if table in NAMED else f"[{table}]" for table, keys in TABLES.items() if name in keys]
    places = tables or [words for keys, words in _INSIDE if name in keys] or [
        f"[{table}] of {_CONFIGURATION}" for table, keys in CONFIG.items() if name in keys]
    return f" — it belongs in {' or '.join(places)}" if places else nearest(name, here)


def where_table_belongs(name: str, here: Iterable[str]) -> str:
    """The same of a whole table: some stand in policies, some in the configuration file."""
    if name in CONFIG and name not in here:
        return f" — it belongs in {_CONFIGURATION}"
    if name in TABLES and name not in here:
        return " — it belongs in a policy file"
    return nearest(name, here)
