"""The JSON Schema (draft 2020-12) of a policy file, from the tables of ``policy/schema.py``. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watchdog_oom.cli.schema.forms import Schema, value_schema
from watchdog_oom.core.conditions.registry import families
from watchdog_oom.core.policy import Verb
from watchdog_oom.policy.schema import CLAUSE, DESCRIPTION, LIMITING_KEYS, NAMED, PROBE, STEP, TABLES, Keys

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_NAME = "^[A-Za-z0-9_-]+$"
_KINDS: Mapping[str, str] = {
    "process": "Who: processes, selected by all of the given keys.", "spool": "A directory of stale entries.",
    "service": "A unit of the service manager.", "protect": "Processes that are never chosen.",
    "limit": "What processes may take, at any time.", "recover": "A transaction: when a clause holds, do the steps.",
    "clean": "Routine cleaning of a spool.", "emergency": "The last resort before the kernel's OOM killer."}
Meanings = Mapping[tuple[str, str], str]


def schema_document(meanings: Meanings) -> dict[str, Any]:
    """The whole document; ``meanings`` are the words of the reference, by table and key."""
    defs = {kind: _table(kind, keys, meanings) | _together(kind) for kind, keys in TABLES.items()}
    defs["probe"] = _table("probe", PROBE, meanings) | {"oneOf": [{"required": ["tcp"]}, {"required": ["run"]}]}
    defs["clause"] = _table("clause", CLAUSE, meanings) | {"dependentRequired": _subjects()}
    defs["step"] = _table("step", STEP, meanings) | {
        "oneOf": [{"required": [verb.value]} for verb in Verb],
        "dependentRequired": {Verb.CONTAIN.value: ["memory_high"], "memory_high": [Verb.CONTAIN.value],
                              "memory_max": [Verb.CONTAIN.value]}}
    properties: dict[str, Any] = {"description": _described(value_schema(DESCRIPTION), DESCRIPTION.doc)}
    for kind in TABLES:
        properties[kind] = _named(kind) if kind in NAMED else {"$ref": f"#/$defs/{kind}"}
    return {"$schema": DRAFT, "title": "watchdog-oom policy",
            "description": "A policy of watchdog-oomd: who is meant, what may be done, and when. "
                           "`watchdog-oom check` knows more than a schema can say.",
            "type": "object", "additionalProperties": False, "properties": properties, "$defs": defs}


def _named(kind: str) -> Schema:
    return {"type": "object", "description": _KINDS[kind], "propertyNames": {"pattern": _NAME},
            "additionalProperties": {"$ref": f"#/$defs/{kind}"}}


def _table(kind: str, keys: Keys, meanings: Meanings) -> Schema:
    """One table; a key that it does not have is a mistake."""
    properties = {}
    for name, key in keys.items():
        default = f" (default `{key.default}`)" if key.default else ""
        properties[name] = _described(value_schema(key), f"{meanings.get((kind, name), key.doc)}{default}")
    required = [name for name, key in keys.items() if key.required]
    made: Schema = {"type": "object", "additionalProperties": False, "properties": properties}
    if kind in _KINDS:
        made["description"] = _KINDS[kind]
    return made | ({"required": required} if required else {})


def _together(kind: str) -> Schema:
    """Keys of which some must be there."""
    match kind:
        case "process":
            return {"minProperties": 1}
        case "limit":
            return {"anyOf": [{"required": [key]} for key in LIMITING_KEYS]}
        case _:
            return {}


def _subjects() -> dict[str, list[str]]:
    """Of a clause: what a key is about must be said beside it."""
    return {key: [family.subject] for family in families() if family.subject is not None
            for key in family.keys if key != family.subject}


def _described(schema: Schema, words: str) -> Schema:
    return {"description": words, **schema}
