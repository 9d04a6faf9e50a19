"""docs/policy.md says what the schema says; its examples, defaults and the shipped policies are right."""

from __future__ import annotations

import os
import re
from dataclasses import MISSING, fields
from typing import Any

import pytest
import tomli

from watchdog_oom.core import nouns, policy
from watchdog_oom.core.form import Form
from watchdog_oom.daemon.config import FIELDS, Config
from watchdog_oom.policy import schema
from watchdog_oom.policy.build import build_policy
from watchdog_oom.policy.check import FileCheck
from watchdog_oom.policy.files import Gathered
from watchdog_oom.policy.load import DEFAULT_POLICY, check_documents, load_policy
from watchdog_oom.policy.schema import Key, Keys
from watchdog_oom.policy.values import CONVERTERS, convert

SHIPPED = os.path.dirname(DEFAULT_POLICY)
REFERENCE = os.path.join(os.path.dirname(SHIPPED), "docs", "policy.md")
SECTIONS: dict[str, Keys] = {
    "Files": {"description": schema.DESCRIPTION}, "`probe`": schema.PROBE, "`[emergency]`": schema.EMERGENCY,
    "Clauses of `when`": schema.CLAUSE, "Steps": schema.STEP,
    **{f"`[{kind}.NAME]`": keys for kind, keys in schema.NAMED.items()},
    **{f"`[{table}]`": keys for table, keys in schema.CONFIG.items()},
}
DEFAULTED: list[tuple[Keys, Any]] = [
    (schema.SPOOL, nouns.SpoolNoun), (schema.SERVICE, nouns.ServiceNoun), (schema.PROBE, nouns.TcpProbe),
    (schema.PROBE, nouns.RunProbe), (schema.PROTECT, policy.Protect), (schema.LIMIT, policy.Limit),
    (schema.RECOVER, policy.Recover), (schema.CLEAN, policy.Clean), (schema.EMERGENCY, policy.Emergency)]


def reference() -> str:
    with open(REFERENCE, encoding="utf-8") as file:
        return file.read()


def documented() -> dict[str, dict[str, tuple[str, str]]]:
    """Heading → key → (default, meaning), from the tables whose first column is a key."""
    found: dict[str, dict[str, tuple[str, str]]] = {}
    heading = ""
    for line in reference().splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
        row = re.fullmatch(r"\| `(\w+)` \| (.+?) \|(?: (.*?))? \| (.+) \|", line)
        if row:
            key = "Files" if row[1] == "description" else heading
            found.setdefault(key, {})[row[1]] = (row[3] or "", row[4])
    return found


def examples() -> list[str]:
    return re.findall(r"^```toml\n(.*?)^```", reference(), re.MULTILINE | re.DOTALL)


def default_value(key: Key) -> Any:
    """A default of the schema as the typed policy has it, through the same door as a file's value."""
    converted: Any = convert(key, tomli.loads(f"x = {key.default}")["x"]) if key.default != "[]" else ()
    if key.form is Form.SIZE:
        return nouns.Size(percent=converted[1])
    return policy.Hours(*converted) if key.form is Form.HOURS else converted


def test_every_key_of_the_schema_is_in_the_reference_and_the_reverse() -> None:
    found = documented()
    assert found.keys() == SECTIONS.keys()
    for heading, keys in SECTIONS.items():
        assert found[heading].keys() == keys.keys(), heading


def test_the_reference_gives_the_defaults_of_the_schema() -> None:
    for heading, keys in SECTIONS.items():
        for name, key in keys.items():
            default = "required" if key.required else f"`{key.default}`" if key.default else ""
            assert documented()[heading][name][0] == default, (heading, name)


@pytest.mark.parametrize(("keys", "kind"), DEFAULTED)
def test_the_defaults_of_the_schema_are_those_of_the_values(keys: Keys, kind: Any) -> None:
    of_kind = {field.name.removesuffix("_seconds"): field for field in fields(kind)}
    for name, key in keys.items():
        if name not in of_kind:
            assert name in ("tcp", "run")
            continue
        default = of_kind[name].default
        if key.required:
            assert default is MISSING
        elif key.default:
            assert default == default_value(key), name
        else:
            assert default is None, name


def test_the_defaults_of_the_configuration_are_those_of_its_values() -> None:
    for (table, name), field in FIELDS.items():
        assert getattr(Config(), field) == default_value(schema.CONFIG[table][name])
    assert {(table, name) for table, keys in schema.CONFIG.items() for name in keys} == FIELDS.keys()


def test_every_key_is_used_in_an_example_and_the_examples_are_right() -> None:
    documents = [example.encode() for example in examples() if not example.startswith("# watchdog-oom.toml")]
    gathered = Gathered()
    ir = check_documents([(f"example {index}", data) for index, data in enumerate(documents)], gathered)
    assert not gathered.faults, "\n".join(map(str, gathered.faults))
    build_policy(ir)
    tables = {kind: list(ir[kind].values()) for kind in schema.NAMED} | {"emergency": [ir["emergency"]]}
    recovers = tables["recover"]
    used = [(schema.TABLES[kind], found) for kind, found in tables.items()] + [
        (schema.PROBE, [table["probe"] for table in tables["service"]]),
        (schema.CLAUSE, [clause for table in recovers for clause in table["when"]]),
        (schema.STEP, [step for table in recovers for step in table["steps"]])]
    for keys, found in used:
        assert {name for table in found for name in table} == keys.keys()


def test_the_example_of_the_configuration_file_is_right_and_says_the_defaults() -> None:
    example, = (text for text in examples() if text.startswith("# watchdog-oom.toml"))
    document = tomli.loads(example)
    check = FileCheck("example", {})
    check.configuration(document)
    assert not check.faults
    assert {table: set(values) for table, values in document.items()} == {
        table: set(keys) for table, keys in schema.CONFIG.items()}


def test_every_form_has_a_converter() -> None:
    nested = {Form.CHOICE, Form.PROBE, Form.CLAUSES, Form.STEPS}
    assert set(Form) - nested == CONVERTERS.keys()


def shipped() -> list[str]:
    return sorted(os.path.join(SHIPPED, name) for name in os.listdir(SHIPPED) if re.fullmatch(r"[a-z-]+\.toml", name))


def test_the_four_shipped_policies_are_there() -> None:
    names = ["database.toml", "default.toml", "mail-server.toml", "web-server.toml"]
    assert [name for name in map(os.path.basename, shipped()) if name in names] == names


@pytest.mark.parametrize("path", shipped(), ids=os.path.basename)
def test_a_shipped_policy_loads_without_a_fault_or_a_note(path: str) -> None:
    loaded = load_policy(files=[path], check_ownership=False)
    assert len(loaded.notes) == 1, loaded.notes
    assert build_policy(loaded.ir).description


def test_all_shipped_policies_load_together() -> None:
    loaded = load_policy([SHIPPED], check_ownership=False)
    assert len(loaded.sources) == len(shipped())
    build_policy(loaded.ir)


def test_a_noun_of_one_name_is_the_same_in_all_shipped_policies() -> None:
    seen: dict[tuple[str, str], Any] = {}
    for path in shipped():
        ir = load_policy(files=[path], check_ownership=False).ir
        for kind in schema.NOUNS:
            for name, values in ir[kind].items():
                if (kind, name) != ("service", "amavis"):
                    assert seen.setdefault((kind, name), values) == values, (path, kind, name)
