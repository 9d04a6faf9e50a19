"""The house rules that a machine can check: who imports what, how long things are, what never stands in the text."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from watchdog_oom import paths

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "watchdog_oom"
FLOORS: tuple[tuple[str, ...], ...] = (  # from the ground up; "" is watchdog_oom/__init__.py
    ("", "errors", "formatting", "lean_dataclasses", "lean_typing", "paths", "sha256"),
    ("core", "kernel_log"),
    ("explain", "host", "journal", "policy", "recorder"),
    ("daemon", "report"),
    ("cli",),
)
BETWEEN_ROOMS: frozenset[tuple[str, str]] = frozenset()  # (importer, imported) on one floor; none is needed today
# Others read the files.
PURE = ("core", "kernel_log", "policy.build", "recorder.decode", "recorder.frames", "recorder.replay")
FORBIDDEN = {"os", "subprocess", "time", "logging", "datetime", "socket", "random", "pathlib", "shutil", "io", "sys",
             "threading", "asyncio", "select", "selectors", "signal", "ctypes"}
FRONT_DOORS = ("daemon/__init__.py", "__main__.py", "cli/__init__.py", "cli/__main__.py")
MODULE_LINES = 260
FUNCTION_LINES = 45

CALLED_FROM_OUTSIDE: dict[str, str] = {
    "cli:main": "the program's entry point", "daemon:main": "the program's entry point",
    "cli.summaries:format_commands": "click asks for it",
    "cli.export.command:systemd": "a command of click", "cli.policy_test.command:test": "a command of click",
    "cli.control.pause:resume": "a command of click", "cli.control.rearm:rearm": "a command of click",
    "cli.status.news:listening": "whether it waits for events or sleeps shows in nothing else",
    "cli.metrics.command:metrics": "a command of click",
    "cli.metrics.listening:log_request": "the server asks for it",
    "cli.metrics.listening:log_message": "the server asks for it",
    "lean_dataclasses:_field_type": "dataclasses.replace and asdict ask for it",
}
TESTED_ELSEWHERE: dict[str, tuple[str, str]] = {  # module: the test file, and why it has none of its own name
    "": ("test_docs.py", "the version alone"),
    "cli.check.around": ("cli/check/test_command.py", "one record of what ``check`` shows"),
    "cli.audit.heads": ("cli/audit/test_command.py", "the comparison with collected hashes"),
    "cli.audit.listing": ("cli/audit/test_command.py", "what ``audit`` shows of the records that come along"),
    "cli.audit.views": ("cli/audit/test_command.py", "the forms of the list"),
    "cli.audit.words": ("cli/audit/test_command.py", "the words of the list"),
    "cli.check.as_json": ("cli/check/test_command.py", "one of the two forms of a check"),
    "cli.spool_answers": ("cli/check/test_command.py", "the spools that a check tells of"),
    "cli.daemon_status": ("cli/status/test_command.py", "what the command reads first"),
    "cli.control.client": ("daemon/control/test_desk.py", "a real daemon, asked by the commands"),
    "cli.diagnose.page": ("cli/diagnose/test_command.py", "one of the two forms of a diagnosis"),
    "cli.diagnose.report": ("cli/diagnose/test_command.py", "the two forms of a diagnosis"),
    "cli.export.dropins": ("cli/export/test_command.py", "the texts of ``export systemd``"),
    "cli.host_view": ("cli/check/test_command.py", "what a command sees of a made-up host"),
    "cli.init.host_facts": ("cli/init/test_page.py", "records alone"),
    "cli.init.part": ("cli/init/test_page.py", "one record of what the page says"),
    "cli.init.rules": ("cli/init/test_page.py", "sections of that page"),
    "cli.init.who": ("cli/init/test_page.py", "a section of that page"),
    "cli.schema.__main__": ("cli/schema/test_document.py", "writes what that test compares"),
    "cli.schema.forms": ("cli/schema/test_document.py", "the values of that document"),
    "cli.check.lint": ("cli/check/test_command.py", "every warning, by the command that prints it"),
    "cli.check.lint_host": ("cli/check/test_command.py", "every warning, by the command that prints it"),
    "cli.check.warned": ("cli/check/test_command.py", "the shape of a warning"),
    "cli.loaded": ("cli/check/test_command.py", "the lines of faults and warnings"),
    "cli.check.missing": ("cli/check/test_command.py", "the warning of a noun that matches nothing"),
    "cli.notify.keys": ("cli/notify/test_settings.py", "every key, against its row on the page"),
    "cli.notify.mail": ("cli/notify/test_messages.py", "a message as a mail"),
    "cli.status.notifier": ("cli/notify/test_standing.py", "what one process writes and the other shows"),
    "cli.options": ("cli/test_cli.py", "declarations alone"),
    "cli.control.pause": ("daemon/control/test_desk.py", "a real daemon, asked by the commands"),
    "cli.plan.explain": ("cli/plan/test_command.py", "what ``plan`` tells of one process"),
    "cli.policy_test.case": ("cli/policy_test/test_case_file.py", "records alone"),
    "cli.policy_test.pages": ("cli/policy_test/test_command.py", "the forms of the results"),
    "cli.policy_test.sensed": ("core/test_world.py", "what the simulated hosts show"),
    "cli.policy_test.spools": ("cli/policy_test/test_simulated_host.py", "a part of that host"),
    "cli.policy_test.units": ("cli/policy_test/test_simulated_host.py", "a part of that host"),
    "cli.plan.as_json": ("cli/plan/test_command.py", "one of the two forms of a plan"),
    "cli.plan.page": ("cli/plan/test_command.py", "one of the two forms of a plan"),
    "cli.control.rearm": ("daemon/control/test_desk.py", "a real daemon, asked by the commands"),
    "cli.recordings": ("cli/top/test_top.py", "where a recording is, and the words about it"),
    "cli.top.form": ("cli/top/test_top.py", "one of the two forms of a sample"),
    "cli.top.page": ("cli/top/test_top.py", "one of the two forms of a sample"),
    "cli.top.screen": ("cli/top/test_top.py", "a real command on a real terminal"),
    "cli.replay.at": ("cli/replay/test_replay.py", "one moment, by the command that shows it"),
    "cli.replay.form": ("cli/replay/test_replay.py", "one of the two forms of a replay"),
    "cli.replay.night": ("cli/replay/test_replay.py", "a whole recording, by the command that reads it"),
    "cli.replay.page": ("cli/replay/test_replay.py", "one of the two forms of a replay"),
    "cli.control.reload": ("daemon/control/test_desk.py", "a real daemon, asked by the commands"),
    "cli.control.run": ("daemon/control/test_desk.py", "a real daemon, asked by the commands"),
    "cli.status.attention": ("cli/status/test_command.py", "the head of that page"),
    "cli.status.hooks": ("cli/status/test_command.py", "a part of the page of ``status``"),
    "cli.status.gauges": ("cli/status/test_command.py", "a section of that page"),
    "cli.status.look": ("cli/status/test_command.py", "what the command gathers for that page"),
    "cli.status.recoveries": ("cli/status/test_command.py", "sections of that page"),
    "cli.status.rules": ("cli/status/test_command.py", "sections of that page"),
    "cli.status.seen": ("cli/status/test_command.py", "one record of what that page shows"),
    "cli.status.page": ("cli/status/test_command.py", "the page of ``status``"),
    "cli.status.values": ("cli/status/test_command.py", "what that page reads"),
    "cli.report.facts": ("cli/report/test_command.py", "what the command reads of the places it is told"),
    "cli.report.kernel_log": ("cli/report/test_whose_night.py", "the log of this host, or of another"),
    "report.decline": ("report/test_trigger.py", "the fall that a trigger is looked for"),
    "report.gathering": ("report/test_digest.py", "one incident as records come along"),
    "report.health": ("report/test_night.py", "what the daemon said of itself"),
    "report.holders": ("report/test_night.py", "who held memory at the worst moment"),
    "report.model": ("report/test_night.py", "records alone"),
    "report.plain": ("cli/report/test_command.py", "the JSON as the command gives it"),
    "report.policy_lines": ("report/test_advice.py", "the lines that advice gives"),
    "report.roles": ("report/test_trigger.py", "what is named as the trigger"),
    "report.said": ("report/test_digest.py", "records of every shape"),
    "report.standing": ("report/test_advice.py", "what is still held, and what to do about it"),
    "report.untouched": ("report/test_sentence.py", "the last clause of the sentence"),
    "host.spools.scan_loop": ("host/spools/test_scanners.py", "the child, by what the daemon sees of it"),
    "host.processes.may_hang": ("host/processes/test_procfs.py", "readers of /proc like the others"),
    "host.processes.open_files": ("host/processes/test_procfs.py", "readers of /proc like the others"),
    "host.processes.reader": ("host/processes/test_facts.py", "its only caller; the child is a real one"),
    "host.processes.reader_child": ("host/processes/test_facts.py", "the child, by what the daemon sees of it"),
    "core.bounded": ("core/test_tick.py", "the bounds of what a tick remembers"),
    "core.hook_action": ("core/rules/test_hooks.py", "records; what is run when is in the rules"),
    "core.hook_state": ("core/rules/test_hook_queue.py", "records that the queue fills"),
    "core.cleaning": ("core/rules/test_clean.py", "a record that the rule fills"),
    "core.condition": ("core/conditions/test_registry.py", "shapes; what they do is in the families"),
    "core.form": ("policy/test_reference.py", "an enum; each member has a converter and a row"),
    "core.history": ("core/test_tick.py", "a record that a tick fills, and the bounds of it"),
    "core.memory": ("host/memory/test_meminfo.py", "two records; the shares are tested on readings"),
    "core.rules.recovery.progress": ("core/rules/recovery/test_transaction.py", "a run as its steps advance it"),
    "daemon.control.caller": ("daemon/control/test_listener.py", "real connections to a real socket"),
    "daemon.policy_loader": ("daemon/test_policy_store.py", "its only caller; the child is a real one"),
    "daemon.flight.mirror": ("daemon/flight/test_packing.py", "both ends of one wire"),
    "daemon.flight.writer_child": ("daemon/flight/test_recorder.py", "its only caller; the child is a real one"),
    "daemon.performer": ("daemon/test_loop.py", "what a real daemon does, in order; its parts have tests of their own"),
    "daemon.reporter": ("daemon/test_starving.py", "what a real daemon writes of itself"),
    "daemon.status_file": ("cli/status/test_command.py", "written and read back by the command"),
    "explain.headroom": ("explain/test_rehearsal.py", "the reports that a rehearsal is made of"),
    "kernel_log.assembly": ("kernel_log/test_events.py", "reports mixed, cut and one after the other"),
    "kernel_log.draft": ("kernel_log/test_events.py", "records that are filled line by line"),
    "kernel_log.groups": ("kernel_log/test_corpus.py", "the limits of real reports"),
    "kernel_log.invocation": ("kernel_log/test_corpus.py", "who asked in real reports"),
    "kernel_log.kinds": ("kernel_log/test_events.py", "a kind that is not told is a fact that is lost"),
    "kernel_log.line": ("kernel_log/test_events.py", "one record"),
    "kernel_log.model": ("kernel_log/test_corpus.py", "records that the parser fills"),
    "kernel_log.page_size": ("kernel_log/test_events.py", "reports of hosts with 4 and with 64 KiB"),
    "kernel_log.readings": ("kernel_log/test_corpus.py", "records that the parser fills"),
    "kernel_log.records": ("kernel_log/test_events.py", "the same report in every kind of log"),
    "kernel_log.strip": ("kernel_log/test_events.py", "the same report in every kind of log"),
    "kernel_log.tasks": ("kernel_log/test_corpus.py", "the tables of real reports"),
    "kernel_log.totals": ("kernel_log/test_corpus.py", "the counters of real reports"),
    "kernel_log.wrapping": ("kernel_log/test_events.py", "the same report in mails of three widths"),
    "kernel_log.zones": ("kernel_log/test_corpus.py", "the zones of real reports"),
    "host.purge.job": ("host/purge/test_supervisor.py", "every purge of the tests is one"),
    "host.purge.jobs": ("host/test_actuators.py", "its only caller; real purges of real spools"),
    "host.purge.request": ("host/purge/test_worker.py", "one record; its limits are tested where it runs"),
    "host.purge.settle": ("host/purge/test_worker.py", "both halves of a purge, one after the other"),
    "host.services.dbus.events": ("host/services/dbus/test_connection.py", "records alone"),
    "host.services.manager": ("host/services/test_choose.py", "Protocols and records"),
    "host.services.systemd.calls": ("host/services/systemd/test_bus.py", "calls as systemd's side receives them"),
    "host.services.systemd.jobs": ("host/services/systemd/test_bus.py", "jobs over a real socket"),
    "host.spools.descent": ("host/spools/test_survey.py", "a survey is one descent"),
    "journal": ("journal/test_writer.py", "names handed on"),
    "journal.chain": ("journal/test_verify.py", "every damage of a chain, by whoever finds it"),
    "journal.files": ("journal/test_reader.py", "names and lines of segments"),
    "journal.inspect": ("journal/test_writer.py", "a journal opened again, whole and damaged"),
    "journal.store": ("journal/test_writer.py", "the writer's files: rotation, damage, full disks"),
    "journal.targets": ("daemon/test_audit.py", "the targets of the records it writes"),
    "kernel_log.remedies": ("kernel_log/test_prevention.py", "a table of advice"),
    "kernel_log.service_settings": ("kernel_log/test_prevention.py", "a table of settings"),
    "paths": ("daemon/test_options.py", "five texts"),
    "recorder.act": ("recorder/test_replay.py", "one record"),
    "recorder.begun": ("recorder/test_replay.py", "what the acts of a replay say"),
    "recorder.subjects": ("recorder/test_unrecorded.py", "which nouns a rule asks about"),
    "sha256": ("journal/test_verify.py", "every digest of a chain"),
    "recorder.decode": ("recorder/test_frames.py", "the way back of every line"),
    "recorder.plain": ("recorder/test_frames.py", "the values in a line"),
    "recorder.sample": ("recorder/test_frames.py", "two records"),
    "policy.checker": ("policy/test_check.py", "Protocols alone"),
    "policy.clauses": ("policy/test_check.py", "a broken file for each of its mistakes"),
    "policy.files": ("policy/test_load.py", "directories and files as a load finds them"),
    "policy.schema": ("policy/test_reference.py", "every key, against its row in the reference"),
    "policy.table_rules": ("policy/test_check.py", "a broken file for each of its mistakes"),
    "policy.texts": ("policy/test_check.py", "a broken file for each of its mistakes"),
    "policy.values": ("policy/test_check.py", "a broken file for each of its mistakes"),
}


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name below ``watchdog_oom``."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


@cache
def imports(path: Path) -> tuple[str, ...]:
    """The dotted names of everything that a module imports: wherever in the file, for the type checker alone as well,
    and by a text that names a module, which is then imported when it is needed."""
    return tuple(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and below(node.value) in MODULES:
            yield node.value


def below(name: str) -> str | None:
    """The module of the package that an import means, if any: ``watchdog_oom.core.guard.judge`` → ``core.guard``."""
    if not name.startswith("watchdog_oom."):
        return None
    inside = name.removeprefix("watchdog_oom.")
    return inside if inside in MODULES else inside.rpartition(".")[0]


@cache
def graph() -> dict[str, set[str]]:
    """Every module of the package with the modules of the package that it imports."""
    return {module: {inside for name in imports(path) if (inside := below(name)) is not None}
            for module, path in MODULES.items()}


def reached(starts: list[str]) -> dict[str, str]:
    """All modules of the package that these import, directly or not, each with who imports it."""
    found = {start: start for start in starts}
    todo = list(starts)
    while todo:
        module = todo.pop()
        for inside in graph()[module]:
            if inside not in found:
                found[inside] = module
                todo.append(inside)
    return found


def circles() -> list[str]:
    """The modules that reach themselves, in groups that reach each other."""
    ahead = {module: {inside for start in targets for inside in reached([start])}
             for module, targets in graph().items()}
    groups = {tuple(sorted(other for other in ahead[module] if module in ahead[other]))
              for module in graph() if module in ahead[module]}
    return [" ↔ ".join(group) for group in sorted(groups)]


def room(module: str) -> str:
    return module.partition(".")[0]


def floor(module: str) -> int:
    """How high a module stands, the ground being 0."""
    found = [number for number, rooms in enumerate(FLOORS) if room(module) in rooms]
    assert found, f"{module}: which floor is it on? Say so in FLOORS, here and in docs/architecture.md"
    return found[0]


def test_no_modules_import_each_other_in_a_circle() -> None:
    found = circles()
    print(f"circles: {len(found)}")
    assert found == []


def test_nothing_imports_from_a_floor_above_its_own() -> None:
    upward = [f"{module} imports {other}" for module, targets in graph().items() for other in sorted(targets)
              if floor(other) > floor(module)]
    for number, rooms in reversed(list(enumerate(FLOORS, 1))):
        print(f"floor {number}: {', '.join(name or '__init__' for name in rooms)}")
    print(f"upward imports: {len(upward)}")
    print(f"modules at the top of watchdog_oom/: {len([*PACKAGE.glob('*.py')])}")
    assert upward == []


def test_rooms_on_one_floor_know_nothing_of_each_other_but_what_is_listed() -> None:
    between = {(room(module), room(other)) for module, targets in graph().items() for other in targets
               if floor(module) == floor(other) > 0 and room(module) != room(other)}
    assert between == BETWEEN_ROOMS
    assert not {(imported, importer) for importer, imported in between} & between, "two rooms import each other"


def test_every_room_has_a_floor_and_every_floor_its_rooms() -> None:
    assert sorted(name for rooms in FLOORS for name in rooms) == sorted({room(module) for module in MODULES})


def pure_modules() -> list[str]:
    return [module for module in MODULES if module in PURE or module.startswith(tuple(f"{name}." for name in PURE))]


def test_the_core_and_all_it_imports_touches_neither_the_system_nor_the_clock_nor_the_host() -> None:
    assert set(PURE) <= set(MODULES)
    wrong = []
    for module, importer in reached(pure_modules()).items():
        if room(module) == "host":
            wrong.append(f"{importer} imports {module}")
        wrong += [f"{module} (imported by {importer}) imports {name}" for name in imports(MODULES[module])
                  if name.partition(".")[0] in FORBIDDEN]
    assert wrong == []


def test_the_host_decides_nothing() -> None:
    """Effects ask guard whether they may; what to do is the rules' business."""
    deciding = ("core.decide", "core.tick", "core.history")
    wrong = [f"{module} imports {other}" for module, targets in graph().items() if room(module) == "host"
             for other in targets if other in deciding
             or other.startswith("core.rules")]
    assert wrong == []


def test_what_a_policy_is_made_of_needs_little_of_the_core() -> None:
    assert set(reached(["core.policy"])) <= {"core.policy", "core.nouns", "core.condition", "core.form", "core.model",
                                             "core.memory", "core.outcome", "formatting", "lean_dataclasses",
                                             "lean_typing"}


def test_no_two_classes_have_one_name() -> None:
    places: dict[str, list[str]] = {}
    for module, path in MODULES.items():
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(module)
    assert {name: modules for name, modules in places.items() if len(modules) > 1} == {}


def test_the_c_library_is_called_in_one_place() -> None:
    wrong = [module for module, path in MODULES.items() if module != "host.syscalls"
             and any(name.partition(".")[0] == "ctypes" for name in imports(path))]
    assert wrong == []


def test_the_default_paths_are_written_in_one_place() -> None:
    own = {value for name, value in vars(paths).items() if name.isupper() and str(value).startswith("/")}
    assert len(own) == 5
    wrong = [f"{module}:{node.lineno}: {node.value}" for module, path in MODULES.items() if module != "paths"
             for node in ast.walk(parsed(path))
             if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in own]
    assert wrong == []


def words_of(node: ast.AST) -> Iterator[str]:
    """The names that a node uses, in whatever way: as a name, a member, a keyword, a member asked for by its text."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.keyword(arg=str(name)):
            yield name
        case ast.ImportFrom(names=names):
            yield from (alias.name for alias in names)
        case ast.MatchClass(kwd_attrs=names):
            yield from names


def test_what_is_defined_is_used_by_the_product_and_not_by_tests_alone() -> None:
    """Names with an underscore included. A name that is used anywhere counts as used everywhere: it finds the dead,
    not each of them."""
    trees = {module: parsed(path) for module, path in MODULES.items()}
    used = {word for tree in trees.values() for node in ast.walk(tree) for word in words_of(node)}
    dead = {f"{module}:{node.name}" for module, tree in trees.items() for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name not in used
            and not (node.name.startswith("__") and node.name.endswith("__"))}
    assert dead == set(CALLED_FROM_OUTSIDE)


def mirror(module: str) -> str:
    """The test file of a module; a package's own code is tested under the package's name."""
    path = MODULES[module].relative_to(PACKAGE)
    name = path.parent.name if path.name == "__init__.py" else path.stem
    return str(path.parent / f"test_{name}.py")


def test_every_module_has_its_mirrored_test_file_or_says_where_it_is_tested() -> None:
    with_code = [module for module, path in MODULES.items() if len(parsed(path).body) > 1]
    without = {module for module in with_code if not (ROOT / "tests" / mirror(module)).is_file()}
    assert without - TESTED_ELSEWHERE.keys() == set(), "write its tests, or say in TESTED_ELSEWHERE where they are"
    assert TESTED_ELSEWHERE.keys() - without == set(), "no longer true: take them off the list"
    assert {where for where, _ in TESTED_ELSEWHERE.values() if not (ROOT / "tests" / where).is_file()} == set()


def with_helpers(test: Path) -> Iterator[Path]:
    """A test file, the fixtures beside and above it, and the helpers that it imports from ``tests``."""
    yield test
    yield from (path for above in test.parents if ROOT in above.parents and (path := above / "conftest.py").is_file())
    for name in imports(test):
        path = ROOT / f"{name.rpartition('.')[0].replace('.', '/')}.py"
        if name.startswith("tests.") and path.is_file():
            yield path


def test_a_test_file_that_stands_in_for_a_module_reaches_it() -> None:
    strangers = []
    for module, (where, _) in TESTED_ELSEWHERE.items():
        names = {name for path in with_helpers(ROOT / "tests" / where) for name in imports(path)}
        starts = [inside for name in names if (inside := below(name)) in MODULES]
        starts += ["daemon"] if "tests.miniature.daemon.MakeDaemon" in names else []  # a program of its own
        if module not in reached(starts):
            strangers.append(f"{where} never comes to {module}")
    assert strangers == []


def test_every_test_file_has_its_part_in_the_fast_run() -> None:
    slow_alone = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        text = path.read_text()
        tests, slow = (re.findall(rf"^{line}", text, re.MULTILINE) for line in ("def test_", r"@pytest\.mark\.slow$"))
        if len(slow) >= len(tests) or re.search(r"^pytestmark = .*\bslow\b", text, re.MULTILINE):
            slow_alone.append(str(path.relative_to(ROOT)))
    assert slow_alone == []


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
