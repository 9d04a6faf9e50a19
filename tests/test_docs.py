"""The documents say what is true: links, paths, commands, options, policies, words of the program, figures."""

from __future__ import annotations

import ast
import re
import textwrap
from functools import cache
from pathlib import Path

import click
import pytest

from tests.core.build import memory, snapshot
from tests.test_house import FLOORS, MODULES, parsed
from watchdog_oom import __version__
from watchdog_oom.cli import cli
from watchdog_oom.core.conditions import memory as conditions_on_memory
from watchdog_oom.core.nouns import Size
from watchdog_oom.core.policy import Policy, Verb
from watchdog_oom.core.rules.recovery.steps import DEFAULT_WITHIN_SECONDS
from watchdog_oom.core.view import View
from watchdog_oom.daemon.options import HELP
from watchdog_oom.daemon.self_protection import missing_capabilities
from watchdog_oom.policy.build import build_policy
from watchdog_oom.policy.load import load_policy
from watchdog_oom.policy.schema import NAMED
from watchdog_oom.policy.units import parse_duration

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("packaging/**/*.md"),
                    *ROOT.glob("policies/**/*.md")])
LAWS = 12
TREES = "watchdog_oom|tests|bench|docs|policies|systemd|man|packaging|completions"
PATHS = re.compile(rf"(?<![\w/.-])(?:{TREES})/[\w./*-]*[\w/*]")
FORBIDDEN = re.compile(r"/wor[k]/|\bTOD[O]\b|\bFIXM[E]\b|\bXX[X]\b|#\d+\b")  # written so as not to find itself


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def text(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def section(path: str, heading: str) -> str:
    """What stands under a heading, deeper headings included."""
    level = heading.split(" ")[0]
    whole = text(path)
    assert f"\n{heading}\n" in whole, f"{path} has no heading {heading}"
    return re.split(rf"^#{{2,{len(level)}}} ", whole.split(f"\n{heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def anchors(path: Path) -> set[str]:
    """The anchors that a forge makes of the headings."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def parts(document: str) -> tuple[str, list[tuple[str, str]]]:
    """The prose of a document, and its code blocks with their languages."""
    pieces = re.split(r"^ *```(\w*)$\n", document, flags=re.MULTILINE)
    return "".join(pieces[::4]), list(zip(pieces[1::4], pieces[2::4], strict=True))


def commands() -> set[tuple[str, ...]]:
    """Every call of one of the two programs in a code block or between backticks: program and words."""
    found: set[tuple[str, ...]] = set()
    for document in DOCUMENTS:
        prose, blocks = parts(document.read_text(encoding="utf-8"))
        calls = re.findall(r"`(watchdog-oomd? [^`\n]+)`", prose)
        for language, block in blocks:
            if language in ("", "console"):
                calls += re.findall(r"^(?:[$#] |ExecStart=)?(?:/\S+/)?(watchdog-oomd? [^#|&\n]*)", block, re.MULTILINE)
                calls += re.findall(r"&& (watchdog-oomd? [^#|&\n]*)", block)
        found |= {tuple(call.split()) for call in calls}
    return found


@cache
def said() -> list[str]:
    """Every text in the program, those between the values of an f-string included."""
    return [node.value for path in MODULES.values() for node in ast.walk(parsed(path))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def first_quotes(table: str, column: int) -> list[str]:
    """What stands between backticks in one column of a table."""
    rows = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("|")]
    cells = [row[column] for row in rows[2:] if row[0].strip() != "`intent`"]  # an intent's words are examples
    return [quote for cell in cells for quote in re.findall(r"`([^`]+)`", cell)]


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_every_link_leads_to_a_file_and_a_heading_that_exist(document: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8")):
        if re.match(r"https?:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (document.parent / path).resolve() if path else document
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_every_path_of_the_project_that_is_named_exists(document: Path) -> None:
    named = set(PATHS.findall(re.sub(r"\]\([^)]*\)", "]", document.read_text(encoding="utf-8"))))
    assert sorted(path for path in named if not any(ROOT.glob(path.rstrip("/")))) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_every_module_that_is_named_without_its_path_exists(document: Path) -> None:
    named = set(re.findall(r"`(\w+\.py)`", document.read_text(encoding="utf-8")))
    there = {path.name for tree in TREES.split("|") for path in (ROOT / tree).rglob("*.py")}
    assert sorted(named - there) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_every_footnote_is_defined_once_and_used(document: Path) -> None:
    prose, _ = parts(document.read_text(encoding="utf-8"))
    defined = re.findall(r"^\[\^([\w-]+)\]: \S", prose, re.MULTILINE)
    used = re.findall(r"\[\^([\w-]+)\](?!:)", prose)
    assert sorted(defined) == sorted(set(used))


@pytest.mark.parametrize("heading", ["## What they look at", "## Whom they choose", "## What they do about services",
                                     "## How they explain themselves"])
def test_every_cell_of_the_comparison_has_its_source(heading: str) -> None:
    lines = [line for line in section("docs/comparison.md", heading).splitlines() if line.startswith("|")]
    names, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert names[-1] == "watchdog-oom" and len(rows) > 3
    bare = [(row[0], names[column]) for row in rows for column, cell in enumerate(row[1:-1], 1)
            if not re.search(r"\[\^[\w-]+\]$", cell) and cell not in ("not known", "does not apply")]
    assert bare == []
    assert [row[0] for row in rows if len(row) != len(names) or not re.search(r"\]\([\w-]+\.md#?", row[-1])] == []


def test_every_question_is_answered_shortly_with_its_place_and_where_it_was_asked() -> None:
    _, *questions = re.split(r"^### ", text("docs/faq.md"), flags=re.MULTILINE)
    assert 20 <= len(questions) <= 40
    answers = {question: re.split(r"^## ", rest, flags=re.MULTILINE)[0].strip()
               for question, _, rest in (whole.partition("\n") for whole in questions)}
    assert [question for question, answer in answers.items() if len(answer.splitlines()) > 5] == []
    assert [question for question, answer in answers.items() if not re.search(r"\]\([\w-]+\.md", answer)] == []
    assert [question for question, answer in answers.items() if not re.search(r"asked in\s+\[.+\]\(https:", answer,
                                                                              re.DOTALL)] == []


def test_the_concepts_stand_on_one_page_with_every_kind_of_table() -> None:
    page = text("docs/concepts.md")
    assert len(page.splitlines()) <= 90
    assert [kind for kind in (*NAMED, "emergency") if f"`{kind}`" not in page] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_the_documents_speak_of_the_product_only(document: Path) -> None:
    assert FORBIDDEN.findall(document.read_text(encoding="utf-8")) == []


def test_the_policy_in_the_readme_is_valid_and_whole(tmp_path: Path) -> None:
    (block,) = (block for language, block in parts(text("README.md"))[1] if language == "toml")
    (tmp_path / "readme.toml").write_text(block, encoding="utf-8")
    loaded = load_policy((), [str(tmp_path / "readme.toml")], check_ownership=False)
    policy = build_policy(loaded.ir)
    assert {"clamscan", "mysqld"} <= policy.processes.keys()
    assert [str(step) for step in policy.recovers["amavis"].steps][-1] == "verify amavis"


def test_the_readme_is_read_in_five_minutes() -> None:
    assert len(text("README.md").splitlines()) <= 150


def test_the_pictures_of_the_readme_are_small_load_nothing_and_can_be_read_out() -> None:
    pictures = dict(re.findall(r"!\[([^\]]+)\]\((docs/[^)]+)\)", text("README.md")))
    assert sorted(pictures.values()) == ["docs/report.png", "docs/status-watch.svg"]
    assert all(len(words) > 40 for words in pictures)
    assert all((ROOT / picture).stat().st_size < 100_000 for picture in pictures.values())
    drawing = text("docs/status-watch.svg")
    assert set(re.findall(r"https?://[^\s\"')]+", drawing)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<script|@import|@font-face|href=", drawing)
    assert "Under way" in re.sub("&#160;|\xa0", " ", drawing)


def test_every_command_and_option_that_is_named_exists() -> None:
    daemon = set(re.findall(r"--[a-z]+", HELP))
    wrong = []
    for call in sorted(commands()):
        options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", " ".join(call)))
        if call[0] == "watchdog-oomd":
            wrong += [call] if options - daemon else []
            continue
        known = _options_of([word for word in call[1:] if re.fullmatch(r"[a-z]+", word)])
        wrong += [call] if known is None or options - known else []
    assert wrong == []


def _options_of(words: list[str]) -> set[str] | None:
    """The options along the way of a command's words; ``None`` where the first word is no command."""
    known = {"--help", "--version", "--debug"}
    here: click.Command = cli
    for depth, word in enumerate(words):
        context = click.Context(here)
        found = here.get_command(context, word) if isinstance(here, click.Group) else None
        if found is None:
            return known if depth else None
        here = found
        known |= {option for parameter in here.params for option in parameter.opts}
    return known


def test_the_calls_of_the_commands_are_found_at_all() -> None:
    assert ("watchdog-oom", "audit", "verify") in commands()
    assert any(call[:2] == ("watchdog-oomd", "--observe") for call in commands())
    assert _options_of(["chekc"]) is None
    assert "--watch" in (_options_of(["status"]) or ())


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_every_target_of_make_that_is_named_exists(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", text("Makefile"), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z-]+)", document.read_text(encoding="utf-8")))
    assert named - targets == set()


@pytest.mark.parametrize(("heading", "column"), [("## In the night", 1), ("## Is all well?", 0),
                                                 ("### What it lacks", 0)])
def test_the_program_says_what_the_page_for_administrators_quotes(heading: str, column: int) -> None:
    quotes = first_quotes(section("docs/operations.md", heading), column)
    texts = said()
    parts = [part.strip() for quote in quotes for part in re.split(r"…|: ", quote)]
    assert len(parts) > 3
    assert [part for part in parts if part and not any(part in whole for whole in texts)] == []


def test_every_kind_of_record_is_in_the_table_of_the_night() -> None:
    from watchdog_oom.journal.record import Kind
    rows = re.findall(r"^\| (`[^|]+`) \|", section("docs/operations.md", "## In the night"), re.MULTILINE)
    assert {kind for row in rows for kind in re.findall(r"`(\w+)`", row)} == {kind.value for kind in Kind}


def test_the_deadlines_of_steps_are_those_of_the_program() -> None:
    verbs, numbers = re.findall(r"^\| (stop .*) \|\n\|[-|]+\|\n\| (.*) \|", section("docs/operations.md", "## Tuning"),
                                re.MULTILINE)[0]
    told = dict(zip(verbs.split(" | "), numbers.split(" | "), strict=True))
    deadlines = {verb.value: seconds for verb, seconds in DEFAULT_WITHIN_SECONDS.items()}
    assert {verb: parse_duration(told[verb]) for verb in told} == {verb: deadlines[verb] for verb in told}
    assert {Verb.STOP.value, Verb.START.value, Verb.PURGE.value} <= told.keys()


def test_every_capability_that_is_missed_or_left_is_explained(tmp_path: Path) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "status").write_text("CapEff:\t0000000000000000\n")
    missed = {lack.partition(":")[0] for lack in missing_capabilities(str(tmp_path))}
    assert missed
    assert missed - set(re.findall(r"CAP_\w+", section("docs/operations.md", "### What it lacks"))) == set()
    (left,) = re.findall(r"^CapabilityBoundingSet=(.*)$", text("systemd/watchdog-oomd.service"), re.MULTILINE)
    assert set(re.findall(r"CAP_\w+", section("docs/security.md", "## What it needs root for"))) == set(left.split())


def test_each_law_names_where_it_is_kept_and_its_tests() -> None:
    laws = re.findall(r"^\*\*(\d+)\. .*?(?=\n\n)", section("docs/security.md", "## The laws"), re.MULTILINE | re.DOTALL)
    assert [int(number) for number in laws] == list(range(1, LAWS + 1))
    for law in re.split(r"^\*\*\d+\. ", section("docs/security.md", "## The laws"), flags=re.MULTILINE)[1:]:
        assert re.search(r"`tests/[\w/]+\.py`", law), law
        assert re.search(r"`watchdog_oom/[\w/.]+`", law), law


def test_each_line_about_attackers_names_the_tests_that_show_it() -> None:
    (table, *_) = section("docs/security.md", "## What a local user can try").split("\n\n")
    rows = [line.strip("|").split(" | ") for line in table.splitlines()[2:]]
    assert len(rows) > 30
    assert [row[0] for row in rows if len(row) != 3 or not re.fullmatch(r"(`tests/[\w/]+\.py`(, | ?$))+", row[2])] == []


def test_the_unit_starts_the_program_where_the_instructions_replace_it() -> None:
    assert "sed 's|/usr/sbin/|/opt/watchdog-oom/bin/|' systemd/watchdog-oomd.service" in text("docs/operations.md")
    unit = text("systemd/watchdog-oomd.service")
    assert re.findall(r"^.*/usr/sbin/.*$", unit, re.MULTILINE) == ["ExecStart=/usr/sbin/watchdog-oomd"]


def test_the_changelog_begins_with_the_version_of_the_program() -> None:
    (newest, *_) = re.findall(r"^## \[(.+?)\]", text("CHANGELOG.md"), re.MULTILINE)
    assert newest == __version__


def names_of_the_program() -> set[str]:
    """Every name that the program defines or uses: classes, functions, members, keys, parameters."""
    nodes = [node for path in MODULES.values() for node in ast.walk(parsed(path))]
    return {name for node in nodes for field in ("id", "name", "attr", "arg")
            if isinstance(name := getattr(node, field, None), str)}


def test_every_name_that_contributors_are_told_exists() -> None:
    foreign = {"venv", "make", "ruff", "for", "SetNice", "test_a_recycled_pid_is_never_signalled"}
    told = set(re.findall(r"`([A-Za-z_]\w*)`", parts(text("CONTRIBUTING.md"))[0]))
    known = names_of_the_program()
    endings = {ending for ending in told if ending.startswith("_") and any(name.endswith(ending) for name in known)}
    assert len(told) > 30
    assert told - known - endings == foreign
    assert "def test_a_recycled_pid_is_never_signalled" in text("tests/host/processes/test_signals.py")


def test_the_condition_of_the_example_works_as_the_page_says() -> None:
    (block,) = (block for language, block in parts(text("CONTRIBUTING.md"))[1] if language == "python")
    place = dict(vars(conditions_on_memory))
    exec(textwrap.dedent(block), place)
    condition = place["SwapUsedAbove"](Size(percent=50.0))
    held = [condition.find(View(snapshot(memory=reading), Policy()))
            for reading in (memory(swap_free=49.0), memory(swap_free=50.0), None)]
    assert [(finding.holds, finding.known) for finding in held] == [(True, True), (False, True), (False, False)]
    assert held[0].words == "swap used is 261 MiB (threshold 50%)"


def test_the_type_checker_names_the_places_that_the_page_for_contributors_says() -> None:
    (block,) = (block for _, block in parts(text("CONTRIBUTING.md"))[1] if "assert_never" in block)
    told = set(re.findall(r"^ *(watchdog_oom/[\w/]+\.py): error", block, re.MULTILINE))
    places = {name(path) for path in (ROOT / "watchdog_oom").rglob("*.py")
              if "assert_never(action)" in path.read_text(encoding="utf-8")}
    assert told == places


def test_the_tests_that_the_page_for_contributors_selects_exist() -> None:
    for place, word in re.findall(r"pytest(?: -m vm)? (tests/\S+) -k \"?(\w+)", text("CONTRIBUTING.md")):
        assert any(word in path.name or f"def test_{word}" in body or f"_{word}" in body
                   for path in (ROOT / place).rglob("test_*.py") for body in [path.read_text(encoding="utf-8")]), word


def test_the_floors_are_drawn_as_they_are_checked() -> None:
    (drawing, *_) = (block for _, block in parts(section("docs/architecture.md", "## The house"))[1])
    rooms = {room for rooms in FLOORS for room in rooms}
    lines = re.findall(r"^ [1-5] (.*)$", drawing, re.MULTILINE)
    drawn = [sorted(rooms.intersection(re.findall(r"\w+", line))) for line in lines]
    assert drawn[::-1] == [sorted(filter(None, floor)) for floor in FLOORS]
