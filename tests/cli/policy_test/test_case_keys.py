"""What docs/policy-tests.md says of test files is what they may contain, and its example is one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from watchdog_oom.cli import cli
from watchdog_oom.cli.policy_test.case_keys import CASE, HOST, PROCESS_FACTS, SERVICE_FACTS, SPOOL_FACTS
from watchdog_oom.policy.schema import Keys

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "policy-tests.md").read_text()


@pytest.mark.parametrize(("heading", "keys"), [
    ("### `[[case]]`", CASE), ("### `[case.host]`", HOST), ("### Processes", PROCESS_FACTS),
    ("### Spools", SPOOL_FACTS), ("### Services", SERVICE_FACTS)])
def test_each_key_has_its_row_with_its_default_and_its_meaning(heading: str, keys: Keys) -> None:
    section = PAGE.partition(f"\n{heading}\n")[2].partition("\n##")[0]
    row = re.compile(r"^\| `(\w+)` \| ([^|]*) \| ([^|]*) \| (.*) \|$", re.MULTILINE)
    rows = {name: cells for name, *cells in row.findall(section)}
    assert list(rows) == list(keys)
    for name, key in keys.items():
        default = "required" if key.required else f"`{key.default}`" if key.default else ""
        assert rows[name][1:] == [default, key.doc], name


def test_the_example_of_the_page_is_as_expected(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "mail-server.toml").write_text((ROOT / "policies" / "mail-server.toml").read_text())
    (tmp_path / "it.test.toml").write_text(example)
    done = CliRunner().invoke(cli, ["test", str(tmp_path)])
    assert done.exit_code == 0, done.output
