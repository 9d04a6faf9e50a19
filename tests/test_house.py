"""The house rules that a machine can check: who imports what, how long things are, what never stands in the text."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "watchdog_oom"
CORE = ("core.model", "core.actions", "core.policy", "core.nouns", "core.conditions", "core.matching",
        "core.view", "formatting", "core.tick", "core.history", "core.rules", "core.guard", "core.decide",
        "policy.build")
FORBIDDEN = {"os", "subprocess", "time", "logging", "datetime", "socket", "random", "pathlib", "shutil", "io", "sys",
             "threading", "asyncio", "select", "selectors", "signal", "ctypes"}
FRONT_DOORS = ("daemon/__init__.py", "__main__.py", "cli/__init__.py", "cli/__main__.py")
MODULE_LINES = 260
FUNCTION_LINES = 45


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name below ``watchdog_oom``."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def imports(path: Path) -> Iterator[str]:
    """The dotted names of everything that a module imports at run time, wherever in the file."""
    tree = parsed(path)
    for_the_type_checker = {
        inner for node in ast.walk(tree) if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for statement in node.body for inner in ast.walk(statement)}
    for node in ast.walk(tree):
        if node in for_the_type_checker:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def below(name: str) -> str | None:
    """The module of the package that an import means, if any: ``watchdog_oom.core.guard.judge`` → ``core.guard``."""
    if name == "watchdog_oom" or not name.startswith("watchdog_oom."):
        return None
    inside = name.removeprefix("watchdog_oom.")
    return inside if inside in MODULES else inside.rpartition(".")[0]


def reached(starts: list[str]) -> dict[str, str]:
    """All modules of the package that these import, directly or not, each with who imports it."""
    found = {start: start for start in starts}
    todo = list(starts)
    while todo:
        module = todo.pop()
        for name in imports(MODULES[module]):
            inside = below(name)
            if inside and inside not in found:
                found[inside] = module
                todo.append(inside)
    return found


def core_modules() -> list[str]:
    return [name for name in MODULES
            if name in CORE or name.startswith(tuple(f"{part}." for part in ("conditions", "rules", "core")))]


def test_the_core_is_there() -> None:
    assert set(CORE) <= set(MODULES), "a module of the core has moved: tell this test"


def test_the_core_and_all_it_imports_touches_neither_the_system_nor_the_clock_nor_the_host() -> None:
    wrong = []
    for module, importer in reached(core_modules()).items():
        if module == "host" or module.startswith("host."):
            wrong.append(f"{importer} imports {module}")
        wrong += [f"{module} (imported by {importer}) imports {name}" for name in imports(MODULES[module])
                  if name.partition(".")[0] in FORBIDDEN]
    assert wrong == []


def test_the_host_decides_nothing() -> None:
    """Effects ask guard whether they may; what to do is the rules' business."""
    wrong = [f"{module} imports {name}" for module, path in MODULES.items() if module.startswith("host.")
             for name in imports(path)
             if below(name) in ("core.decide", "core.tick", "core.history")
             or ((below(name) or "").startswith("core.rules")
                  and below(name) != "core.rules.emergency")]
    assert wrong == []


def test_nothing_but_host_and_the_shell_around_it_is_reached_from_policy_types() -> None:
    assert set(reached(["core.policy"])) <= {"core.policy", "core.nouns", "core.condition",
                                                "core.model", "core.memory", "core.outcome", "formatting",
                                                "lean_dataclasses"}


@pytest.mark.parametrize("module", MODULES)
def test_every_module_says_in_its_first_line_what_it_owns(module: str) -> None:
    docstring = ast.get_docstring(parsed(MODULES[module])) or ""
    first, _, rest = docstring.partition("\n")
    assert first and (not rest or rest.startswith("\n")), f"{MODULES[module]}: no one-line docstring"


def test_no_module_and_no_function_holds_two_ideas_by_its_length() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in MODULES.values()}
    functions = {f"{path.relative_to(ROOT)}:{node.name}": (node.end_lineno or 0) - node.lineno + 1
                 for path in MODULES.values() for node in ast.walk(parsed(path))
                 if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    for title, measured in (("modules", lengths), ("functions", functions)):
        worst = sorted(measured.items(), key=lambda item: -item[1])[:5]
        print(f"longest {title}: " + ", ".join(f"{name} {length}" for name, length in worst))
    assert {name: length for name, length in lengths.items() if length > MODULE_LINES} == {}
    assert {name: length for name, length in functions.items() if length > FUNCTION_LINES} == {}


def test_only_the_front_doors_end_the_program() -> None:
    wrong = [f"{path.relative_to(ROOT)}:{node.lineno}" for path in MODULES.values()
             if str(path.relative_to(PACKAGE)) not in FRONT_DOORS for node in ast.walk(parsed(path))
             if (isinstance(node, ast.Attribute) and ast.unparse(node) == "sys.exit")
             or (isinstance(node, ast.Name) and node.id in ("SystemExit", "exit", "quit"))]
    assert wrong == []


def texts() -> dict[str, str]:
    """Every text that belongs to the project, by its name: what git knows or would be told of."""
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard", "-z"],
                            capture_output=True, check=False).stdout.decode()
    if listed:
        names = [name for name in listed.split("\0") if name]
    else:  # an unpacked archive
        names = [str(path.relative_to(ROOT)) for directory in ("watchdog_oom", "tests", "docs", "policies")
                 for path in (ROOT / directory).rglob("*")]
    found = {}
    for name in names:
        path = ROOT / name
        if path.is_file() and not path.is_symlink():
            found[name] = path.read_bytes().decode("utf-8", "replace")
    return found


def test_nothing_is_left_to_do_and_no_machine_of_ours_is_named() -> None:
    never = re.compile(rf"\b(?:{'TO'}DO|{'FIX'}ME|{'X'}XX)\b|/{'work'}/")
    assert [f"{name}: {found.group()}" for name, text in texts().items() if (found := never.search(text))] == []
