"""``watchdog-oom schema``, and what editors make of it: tombi and taplo mark a misspelt key at its line."""

from __future__ import annotations

import json
import shutil
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from watchdog_oom.cli.schema import SCHEMA_FILE

POLICY = Path(__file__).parents[3] / "policies" / "mail-server.toml"
LINTERS = {"tombi": ("lint", "--offline"), "taplo": ("lint", "--colors", "never")}
Run = Callable[..., Result]


def linted(tool: str, text: str, folder: Path) -> tuple[int, str]:
    program = shutil.which(tool, path=sysconfig.get_path("scripts"))
    if program is None:
        pytest.skip(f"needs {tool} (PyPI)")
    (folder / "policy.toml").write_text(f"#:schema file://{SCHEMA_FILE}\n{text}")
    done = subprocess.run([program, *LINTERS[tool], "policy.toml"], cwd=folder, capture_output=True, text=True,
                          timeout=60, check=False, env={"HOME": str(folder), "NO_COLOR": "1"})
    return done.returncode, done.stdout + done.stderr


def test_it_is_printed_or_written(run: Run, tmp_path: Path) -> None:
    printed = run("schema")
    assert printed.exit_code == 0
    assert json.loads(printed.output)["title"] == "watchdog-oom policy"
    assert run("schema", "-o", tmp_path / "s.json").output == f"{tmp_path}/s.json\n"
    assert [path.name for path in tmp_path.iterdir()] == ["s.json"]
    assert (tmp_path / "s.json").read_text() == printed.output


@pytest.mark.parametrize("tool", LINTERS)
def test_an_editor_accepts_a_shipped_policy(tool: str, tmp_path: Path) -> None:
    assert linted(tool, POLICY.read_text(), tmp_path)[0] == 0


@pytest.mark.parametrize("tool", LINTERS)
@pytest.mark.parametrize("key", ["stale_after", "runtime_above", "prefer"])
def test_an_editor_marks_a_misspelt_key_at_its_line(tool: str, key: str, tmp_path: Path) -> None:
    text = POLICY.read_text().replace(f"{key} ", f"{key[:-1]} ", 1)
    line = next(number for number, line in enumerate(text.splitlines(), 2) if f"{key[:-1]} " in line)
    status, said = linted(tool, text, tmp_path)
    assert status != 0
    assert key[:-1] in said
    assert f"policy.toml:{line}:" in said
