"""From directories and files to one checked policy: find, read, parse, check, merge. All faults are reported together.

This module and its imports are for a forked child and for the administrator's command: the result consists of plain
values that ``marshal`` carries to the daemon, which builds its policy with ``policy.build``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence

import tomli

from watchdog_oom.errors import Fault, PolicyError
from watchdog_oom.formatting import printable
from watchdog_oom.lean_dataclasses import dataclass
from watchdog_oom.lean_typing import Any
from watchdog_oom.policy import names
from watchdog_oom.policy.check import FileCheck, where
from watchdog_oom.policy.exe_links import followed, plain_paths
from watchdog_oom.policy.files import Gathered, files_of, judge, read
from watchdog_oom.policy.fingerprint import fingerprint_of
from watchdog_oom.policy.lines import LaterTomlError, line_at, lines_of
from watchdog_oom.policy.programs import program_faults
from watchdog_oom.policy.schema import NAMED, NOUNS

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_DEFAULT_PLACES = (os.path.join(_PACKAGE, "shipped", "default.toml"),
                   os.path.join(os.path.dirname(_PACKAGE), "policies", "default.toml"))
DEFAULT_POLICY = next((path for path in _DEFAULT_PLACES if os.path.exists(path)), _DEFAULT_PLACES[0])

NOTHING_PROTECTED = (f"the policy says nothing, and while it is there the built-in one ({DEFAULT_POLICY}) with its "
                     "protections is not used: write rules, copy it, or remove the file")
_HEADER = re.compile(r"^[ \t]*\[[ \t]*([a-z]+)[ \t]*\.[ \t]*[\"']?([A-Za-z0-9_-]+)[\"']?[ \t]*\]", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was loaded: ``ir`` is the merged content as plain values, ``notes`` are messages for people, ``sources`` the
    files in the order in which they were merged, ``warnings`` what is valid but probably a mistake."""

    ir: dict[str, Any]
    notes: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    warnings: tuple[Fault, ...] = ()


def load_policy(directories: Sequence[str] = (), files: Sequence[str] = (), *, check_ownership: bool = True) -> Loaded:
    """The policy of all files of the directories, sorted by name, followed by the files given explicitly.

    Without any policy file the shipped default is used. Raises PolicyError with every fault of every file.
    """
    gathered = files_of(directories)
    if check_ownership:  # Law 9
        judge(gathered, [*directories, *gathered.paths, *files])
    else:
        gathered.notes.append("the owners and modes of the policy files were not checked")
    paths = [*gathered.paths, *files]
    if not paths and not gathered.faults:
        gathered.notes.append(f"no policy file found: using the shipped {DEFAULT_POLICY}")
        paths = [DEFAULT_POLICY]
    given = paths != [DEFAULT_POLICY]
    documents = [(path, data) for path in paths if (data := read(path, gathered)) is not None]
    ir = check_documents(documents, gathered)
    if gathered.faults:
        raise PolicyError(tuple(set(gathered.faults)))
    if given and says_nothing(ir):
        gathered.warnings.append(Fault(printable(paths[-1]), 1, "", NOTHING_PROTECTED))
    ir["links"] = followed(plain_paths(ir))
    return Loaded(ir, tuple(gathered.notes), tuple(paths), tuple(gathered.warnings))


def says_nothing(ir: Mapping[str, Any]) -> bool:
    """Whether there is no table at all, so that the files do nothing but keep the built-in policy away."""
    return "emergency" not in ir and not any(ir[kind] for kind in NAMED)


def load_config(path: str, *, check_ownership: bool = True) -> Loaded:
    """The daemon's own configuration file as plain values; a missing file means defaults. Raises PolicyError."""
    gathered = Gathered()
    if not os.path.lexists(path):
        return Loaded({}, (f"no configuration file {printable(path)}: using the defaults",))
    ir: dict[str, Any] = {}
    doubts: tuple[Fault, ...] = ()
    parsed = read_document(path, gathered, check_ownership=check_ownership)
    if parsed is not None:
        check, document = parsed
        check.configuration(document)
        gathered.faults.extend(check.faults)
        ir = {table.kind: table.values for table in check.tables}
        doubts = _hooks_not_run(check, ir.get("hooks", {}), check_ownership=check_ownership)
        ir |= {"doubts": tuple(map(str, doubts))} if doubts else {}
    if gathered.faults:
        raise PolicyError(tuple(set(gathered.faults)))
    return Loaded(ir, tuple(gathered.notes), (path,), doubts)


def read_document(path: str, gathered: Gathered, *,
                  check_ownership: bool = True) -> tuple[FileCheck, dict[str, Any]] | None:
    """One file of ours, judged, read and parsed, with its checker; ``None`` where it could not be. Faults go to
    ``gathered``."""
    if check_ownership:  # Law 9
        judge(gathered, [path])
    data = read(path, gathered)
    return None if data is None else parse_file(path, data, gathered)


def _hooks_not_run(check: FileCheck, hooks: Mapping[str, Any], *, check_ownership: bool) -> tuple[Fault, ...]:
    """Programs that could not be run as they are now: warnings, since that must disarm nothing else."""
    return tuple(Fault(check.file, line_at(check.lines, ("hooks", key)), where(("hooks", key)), f"is not run: {what}")
                 for key, argv in hooks.items() if isinstance(argv, tuple) and argv
                 for what in program_faults(argv[0], check_ownership=check_ownership))


def check_documents(documents: Iterable[tuple[str, bytes]], gathered: Gathered) -> dict[str, Any]:
    """The merged plain values of files already read (path and content); faults and notes go to ``gathered``.

    A later ``[kind.NAME]`` or ``[emergency]`` replaces an earlier one as a whole; descriptions are joined by ``"; "``.
    """
    tables: dict[tuple[str, str], names.Table] = {}
    known: dict[str, set[str]] = {kind: set() for kind in NOUNS}
    places: dict[str, str] = {}
    descriptions, sources = [], []
    for path, data in documents:
        sources.append(path)
        parsed = parse_file(path, data, gathered)
        if parsed is None:
            _remember_headers(data, known)
            continue
        check, document = parsed
        check.policy(document)
        gathered.faults.extend(check.faults)
        descriptions.extend([check.description] if check.description else [])
        tables.update({(table.kind, table.name): table for table in check.tables})
        places.update(_pattern_places(check))
        for kind in NOUNS:
            known[kind].update(document[kind] if isinstance(document.get(kind), dict) else ())
    gathered.warnings.extend(warning for table in tables.values() for warning in table.warnings)
    gathered.faults.extend(names.dangling(tables.values(), known))
    gathered.faults.extend(names.circles([table for table in tables.values() if table.kind == "process"]))
    ir = _merged(tables, "; ".join(descriptions), tuple(sources))
    return {**ir, "places": places, "fingerprints": {name: fingerprint_of(ir, name) for name in ir["recover"]}}


def _pattern_places(check: FileCheck) -> dict[str, str]:
    """Where the patterns of each process noun are, for the report of one that is too slow."""
    return {table.name: f"{check.file}:{line_at(check.lines, ('process', table.name, 'cmdline'))}"
            for table in check.tables if table.kind == "process" and "cmdline" in table.values}


def _merged(tables: Mapping[tuple[str, str], names.Table], description: str,
            sources: tuple[str, ...]) -> dict[str, Any]:
    ir: dict[str, Any] = {"description": description, "sources": sources}
    for kind in NAMED:
        ir[kind] = {name: table.values for (of_kind, name), table in tables.items() if of_kind == kind}
    if ("emergency", "") in tables:
        ir["emergency"] = tables["emergency", ""].values
    return ir


def _remember_headers(data: bytes, known: Mapping[str, set[str]]) -> None:
    """The nouns an unparsable file defines, so that one missing quote is not reported as ten missing nouns."""
    for kind, name in _HEADER.findall(data.decode("utf-8", "replace")):
        if kind in known:
            known[kind].add(name)


def parse_file(path: str, data: bytes, gathered: Gathered) -> tuple[FileCheck, dict[str, Any]] | None:
    """The parsed document with its checker, or ``None`` after recording why it is not TOML."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        gathered.fault(path, f"byte 0x{data[error.start]:02x} is not UTF-8: save the file as UTF-8",
                       data.count(b"\n", 0, error.start) + 1)
        return None
    if text.startswith("\ufeff"):
        gathered.fault(path, "begins with a byte order mark: save the file as UTF-8 without one", 1)
        return None
    try:
        document = tomli.loads(text)
        return FileCheck(printable(path), lines_of(text)), document
    except LaterTomlError as error:
        gathered.fault(path, str(error), error.line)
    except ValueError as error:  # TOMLDecodeError, or a number with thousands of digits
        from watchdog_oom.policy.toml_faults import in_plain_words  # only mistakes need it
        line, what = in_plain_words(text, error)
        gathered.fault(path, what, line)
    except RecursionError:
        gathered.fault(path, "not a policy: brackets are nested too deeply", 1)
    return None
