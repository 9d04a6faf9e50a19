"""The catalog of the system journal: an entry for each id, with the words of the documentation, taken by systemd."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from tests.loaded_program import loaded_program
from watchdog_oom.journal.record import Kind
from watchdog_oom.journal.system_log import MESSAGE_IDS

ROOT = Path(__file__).parent.parent
GENERATOR = ROOT / "packaging" / "catalog.py"


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    return loaded_program(GENERATOR)


@pytest.fixture(scope="module")
def entries(generator: ModuleType) -> dict[str, str]:
    """Each entry by its id."""
    pieces = re.split(r"^-- ([0-9a-f]{32})$", generator.catalog(), flags=re.MULTILINE)
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))


def test_each_kind_of_record_has_its_entry_and_no_other_has(entries: dict[str, str]) -> None:
    assert set(entries) == set(MESSAGE_IDS.values())
    assert len(MESSAGE_IDS) == len(Kind)
    for text in entries.values():
        head, _, body = text.strip().partition("\n\n")
        assert [line.partition(":")[0] for line in head.splitlines()] == ["Subject", "Defined-By", "Documentation"]
        assert body.strip().count("\n") >= 2, head


def test_no_row_of_the_table_is_lost(entries: dict[str, str]) -> None:
    section = (ROOT / "docs" / "operations.md").read_text().partition("\n## In the night\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if re.match(r"\| `", line)]
    assert len(rows) > 40
    everything = {kind: " ".join(entries[MESSAGE_IDS[kind]].split()) for kind in Kind}
    for row in rows:
        kinds, says, do = (cell.strip() for cell in row.strip("|").split(" |"))
        for kind in re.findall(r"`(\w+)`", kinds):
            for words in (says, do):
                plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", words).replace("**", "")
                longest = max(re.split(r"[`…]", plain), key=len).strip()
                assert longest.lower() in everything[Kind(kind)].replace('"', "").lower(), (kind, longest)


def test_a_line_is_not_longer_than_a_terminal(generator: ModuleType) -> None:
    assert max(map(len, generator.catalog().splitlines())) <= 80


@pytest.mark.skipif(shutil.which("journalctl") is None, reason="needs journalctl (apt: systemd)")
def test_systemd_takes_it_and_finds_each_entry(tmp_path: Path) -> None:
    place = tmp_path / "usr" / "lib" / "systemd" / "catalog"
    place.mkdir(parents=True)
    (tmp_path / "var" / "lib" / "systemd" / "catalog").mkdir(parents=True)
    subprocess.run(["python3", "-I", str(GENERATOR), str(place / "watchdog-oom.catalog")], check=True, timeout=30)
    for arguments in (["--update-catalog"], ["--list-catalog"]):
        done = subprocess.run(["journalctl", f"--root={tmp_path}", *arguments], capture_output=True, text=True,
                              timeout=30, check=True)
        assert done.stderr == ""
    assert set(re.findall(r"^([0-9a-f]{32}) watchdog-oom: ", done.stdout, re.MULTILINE)) == set(MESSAGE_IDS.values())


def test_the_package_makes_and_installs_it() -> None:
    assert "packaging/catalog.py debian/catalog/watchdog-oom.catalog" in (
        ROOT / "packaging" / "debian" / "rules").read_text()
    assert "debian/catalog/watchdog-oom.catalog usr/lib/systemd/catalog/" in (
        ROOT / "packaging" / "debian" / "watchdog-oom.install").read_text()
