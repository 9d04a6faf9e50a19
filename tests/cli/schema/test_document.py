"""The schema: current, a valid schema, true of every shipped policy, and false of mistakes that a schema can see."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from watchdog_oom.cli.schema import SCHEMA_FILE
from watchdog_oom.cli.schema.__main__ import current_text
from watchdog_oom.cli.schema.document import DRAFT
from watchdog_oom.policy.schema import CLAUSE, PROBE, STEP, TABLES

ROOT = Path(__file__).parents[3]
POLICIES = sorted([*ROOT.glob("policies/**/*policy*.toml"), *ROOT.glob("tests/policies/*/policy.toml"),
                   *(path for path in ROOT.glob("policies/*.toml") if "." not in path.stem)])
SEEN_BY_A_SCHEMA = ("bare-m", "bad-name", "bad-choice", "bad-mode", "bad-unit", "bare-duration", "date-as-value",
                    "duration-as-number", "empty-list", "empty-process", "empty-steps", "key-of-a-clause",
                    "key-of-another-table", "limit-without-limit", "contain-step-without-a-size",
                    "entries-with-a-slash")


@pytest.fixture(scope="module")
def validator() -> Any:
    return jsonschema.Draft202012Validator(json.loads(Path(SCHEMA_FILE).read_text()))


def mistakes(validator: Any, path: Path) -> list[str]:
    return [error.message for error in validator.iter_errors(tomllib.loads(path.read_text()))]


def test_the_shipped_schema_is_that_of_the_language_and_of_its_reference_as_they_are() -> None:
    assert Path(SCHEMA_FILE).read_text() == current_text(), "run python -m watchdog_oom.cli.schema"


def test_it_is_a_schema_of_the_draft_it_names(validator: Any) -> None:
    assert validator.schema["$schema"] == DRAFT
    jsonschema.Draft202012Validator.check_schema(validator.schema)


def test_every_key_of_every_table_is_in_it_with_the_words_of_the_reference(validator: Any) -> None:
    tables = {**TABLES, "probe": PROBE, "clause": CLAUSE, "step": STEP}
    defs = validator.schema["$defs"]
    assert {kind: set(keys) for kind, keys in tables.items()} == {kind: set(defs[kind]["properties"]) for kind in defs}
    said = defs["limit"]["properties"]["count"]["description"]
    reference = (ROOT / "docs/policy.md").read_text()
    assert said.split(" (default")[0] in reference
    words = [value["description"] for kind in defs for value in defs[kind]["properties"].values()]
    assert [text for text in words if "](" in text] == []


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_shipped_policy_is_valid_by_it(path: Path, validator: Any) -> None:
    assert mistakes(validator, path) == []


@pytest.mark.parametrize("name", SEEN_BY_A_SCHEMA)
def test_a_mistake_that_a_schema_can_see_is_seen(name: str, validator: Any) -> None:
    assert mistakes(validator, ROOT / f"tests/policy/broken/{name}.toml")


def test_a_schema_refuses_nothing_that_check_accepts(validator: Any) -> None:
    """The canonical values of every form, as the reference has them."""
    said = tomllib.loads((ROOT / "policies/shared-host.toml").read_text())
    said["limit"]["guest"] |= {"rss": "1.5 GiB", "for": "1h30m", "exceeds": "any", "count": 5, "swap": "10%"}
    said["spool"] = {"s": {"path": "/x", "entries": ["a*", "b"], "stale_after": "500ms"}}
    said["clean"] = {"s": {"spool": "s", "hours": "22:00-06:00"}}
    said["service"] = {"s": {"unit": "a@b.service", "triggers": [], "probe": {"tcp": "[::1]:25"}}}
    said["recover"] = {"s": {"when": [{"kernel_oom_kill": "any", "pressure_some_above": 40.5},
                                      {"spool": "s", "inodes_free_below": "5%"},
                                      {"spool": "s", "inodes_free_below": 5}],
                             "steps": [{"stop": "s"}, {"start": "stopped"}, {"run": ["/bin/true", "x"]},
                                       {"wait": "5s"}]}}
    assert [error.message for error in validator.iter_errors(said)] == []
