"""The man pages: well formed, and complete as to commands, options and keys."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests.loaded_program import loaded_program
from watchdog_oom.cli import COMMANDS, cli
from watchdog_oom.daemon.options import HELP
from watchdog_oom.policy import schema

ROOT = Path(__file__).parent.parent
MAN = ROOT / "man"
HERE = ["watchdog-oomd.8", "watchdog-oom.1"]
MADE = ["watchdog-oom-policy.5", "watchdog-oom.toml.5"]


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    """Every page by its name: those in the tree, and those that are made when a package is built."""
    made: dict[str, str] = loaded_program(MAN / "generate.py").pages()
    assert sorted(made) == MADE
    return {name: (MAN / name).read_text() for name in HERE} | made


def plain(page: str) -> str:
    """The page's words without the most common of roff."""
    return re.sub(r"\\f.", "", page).replace("\\-", "-")


def leaves(command: click.Command, *words: str) -> Iterator[tuple[str, click.Command]]:
    """Every command below this one by its words, groups that do something themselves included."""
    if not isinstance(command, click.Group):
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        if not isinstance(found, click.Group) or found.invoke_without_command:
            yield " ".join((*words, name)), found
        yield from leaves(found, *words, name)


def paragraphs(page: str) -> dict[str, str]:
    """Of each command its paragraph, with the list of options in it."""
    pieces = re.split(r'^\.TP\n\.BR? "?([a-z]+(?: [a-z]+)?)', plain(page), flags=re.MULTILINE)
    return dict(zip(pieces[1::2], (piece.split("\n.SH ")[0] for piece in pieces[2::2]), strict=True))


def test_the_page_of_the_daemon_names_each_of_its_options(pages: dict[str, str]) -> None:
    options = re.findall(r"^  (--[a-z]+)", HELP, flags=re.MULTILINE)
    assert options
    assert [option for option in options if option not in plain(pages["watchdog-oomd.8"])] == []


def test_the_page_of_the_command_has_a_paragraph_for_each_subcommand(pages: dict[str, str]) -> None:
    found = paragraphs(pages["watchdog-oom.1"])
    assert [words for words, _ in leaves(cli) if words not in found] == []
    assert {words.split()[0] for words in found} == set(COMMANDS)


def test_the_paragraph_of_a_subcommand_names_each_of_its_options_and_no_other(pages: dict[str, str]) -> None:
    page = pages["watchdog-oom.1"]
    option = r"(?<![\w-])--?[a-z][a-z-]*"
    common = set(re.findall(option, plain(page).partition(".SH COMMON OPTIONS\n")[2].partition("\n.SH ")[0]))
    assert {"-h", "--help", "--version", "--debug"} <= common
    assert {"--policies", "--log"} <= common
    for words, command in leaves(cli):
        known = {name for parameter in command.params if isinstance(parameter, click.Option)
                 for name in (*parameter.opts, *parameter.secondary_opts)}
        told = set(re.findall(option, paragraphs(page)[words]))
        assert known - told - common == set(), words
        assert told - known == set(), words


def test_the_pages_of_the_reference_have_each_key_of_the_schema_with_its_default(pages: dict[str, str]) -> None:
    page = {name: plain(text).replace("\\(aq", "'") for name, text in pages.items()}
    tables = [*schema.TABLES.values(), schema.PROBE, schema.CLAUSE, schema.STEP, {"description": schema.DESCRIPTION}]
    wanted = [(name, key, keys[key]) for name, all_keys in zip(MADE, (tables, schema.CONFIG.values()), strict=True)
              for keys in all_keys for key in keys]
    assert len(wanted) > 60
    for name, key, form in wanted:
        default = "required" if form.required else f"default {form.default}" if form.default else ""
        pattern = rf"^\.TP\n{re.escape(key)} \(.*{re.escape(default)}\)$"
        assert re.search(pattern, page[name], re.MULTILINE), (name, key, default)


def test_no_word_of_the_reference_is_lost_on_its_way_to_the_pages(pages: dict[str, str]) -> None:
    def words(text: str) -> list[str]:
        return re.findall(r"\w{3,}", text)
    reference = (ROOT / "docs" / "policy.md").read_text()
    prose = re.sub(r"\[((?:`[^`]*`|[^\]`])*)\]\((?!https?:)[^)]*\)", r"\1", reference)
    prose = re.sub(r"^```\w+$|^\|[-|]+\|$|^\| (?:key|type) \| .*$|^# .*$", "", prose, flags=re.MULTILINE)
    made = " ".join(plain(re.sub(r"^\.\w\w", "", pages[name], flags=re.MULTILINE))
                    for name in MADE)
    have = set(words(re.sub(r"\\\(?(aq|ga|ha|ti|e)", " ", made)))
    assert [word for word in dict.fromkeys(words(prose)) if word not in have] == []


@pytest.mark.skipif(shutil.which("man") is None, reason="needs man (apt: man-db)")
@pytest.mark.parametrize("name", HERE + MADE)
def test_a_page_is_rendered_without_a_warning(name: str, pages: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / name).write_text(pages[name])
    done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", str(tmp_path / name)],
                          capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="needs mandoc")
@pytest.mark.parametrize("name", HERE + MADE)
def test_the_other_program_that_shows_man_pages_warns_of_nothing_either(
        name: str, pages: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / name).write_text(pages[name])
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", str(tmp_path / name)],
                          capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_a_line_that_looks_like_a_request_and_every_sign_of_roff_come_out_as_text() -> None:
    text = "## A `-x`\n.not a request\n\n```toml\n'quoted' = \"a\\d\" ~ ^ `\n.x\n```\n* **b** [c](d.md)\n"
    assert list(loaded_program(MAN / "generate.py")._blocks(text)) == [
        r".SH A \fB\-x\fR", r"\&.not a request", ".PP", ".RS 4", ".nf",
        r"\(aqquoted\(aq = " + '"a\\ed" \\(ti \\(ha \\(ga', r"\&.x", ".fi", ".RE", r".IP \(bu 2", r"\fBb\fR c"]
