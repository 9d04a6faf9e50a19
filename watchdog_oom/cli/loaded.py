"""The policy and the configuration given to a command, with the line of every key."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from watchdog_oom.core.policy import Policy
from watchdog_oom.daemon.config import Config, build_config
from watchdog_oom.errors import Fault, NotPermittedError, PolicyError
from watchdog_oom.formatting import printable
from watchdog_oom.lean_dataclasses import dataclass
from watchdog_oom.paths import CONFIG, POLICIES
from watchdog_oom.policy.build import build_policy
from watchdog_oom.policy.check import where
from watchdog_oom.policy.lines import Path, line_at, lines_of
from watchdog_oom.policy.load import load_config, load_policy


@dataclass(frozen=True, slots=True)
class LoadedPolicy:
    """A valid policy: as built, and as the plain values of its files. ``warnings`` were found without the host."""

    policy: Policy
    values: Mapping[str, Any]
    config: Config
    notes: tuple[str, ...]
    warnings: tuple[Fault, ...]


def load(paths: Sequence[str], directories: Sequence[str], config_path: str | None) -> LoadedPolicy:
    """The policy of these files and directories, or of the default directory. Raises PolicyError with every fault.
    A file among the directories is a policy of that file alone.

    An ordinary user may try out files anywhere: the ownership of files given explicitly is then not checked.
    """
    named = (*directories, *paths)
    for path in named:
        if os.path.exists(path) and not os.access(path, os.R_OK):
            raise NotPermittedError(f"{printable(path)}: may not be read by this user; run this as root")
    files = [path for path in named if os.path.isfile(path) or (path in paths and not os.path.isdir(path))]
    folders = [path for path in named if path not in files]
    root = os.geteuid() == 0
    faults: list[Fault] = []
    try:
        policy = load_policy(folders if named else [POLICIES], files, check_ownership=root or not named)
    except PolicyError as error:
        faults.extend(error.faults)
    try:
        config = load_config(config_path or CONFIG, check_ownership=root or config_path is None)
    except PolicyError as error:
        faults.extend(error.faults)
    if faults:
        raise PolicyError(tuple(faults))
    config_notes = config.notes if config_path is not None else ()
    return LoadedPolicy(build_policy(policy.ir), policy.ir, build_config(config.ir), (*policy.notes, *config_notes),
                        (*policy.warnings, *config.warnings))


class Places:
    """Where each table and key of the policy is. The files are read again, and only when asked for."""

    def __init__(self, sources: Sequence[str]) -> None:
        self._sources = sources
        self._tables: dict[Path, tuple[str, Mapping[Path, int]]] | None = None

    def fault(self, path: Path, what: str) -> Fault:
        """A message about the path, such as ``("limit", "clamscan", "rss")``, with its file and line."""
        if self._tables is None:
            self._tables = self._read()
        nothing: tuple[str, Mapping[Path, int]] = ("", {})
        file, lines = self._tables.get(path[:2]) or self._tables.get(path[:1]) or nothing
        if not file:
            return Fault("built in", 0, where(path), what)
        return Fault(printable(file), line_at(lines, path), where(path), what)

    def _read(self) -> dict[Path, tuple[str, Mapping[Path, int]]]:
        """A later table replaces an earlier one, so the last file that has it counts."""
        tables: dict[Path, tuple[str, Mapping[Path, int]]] = {}
        for source in self._sources:
            try:
                with open(source, encoding="utf-8", newline="") as file:
                    lines = lines_of(file.read())
            except (OSError, ValueError):
                continue
            tables.update({path[:2]: (source, lines) for path in lines
                           if len(path) == 2 or path == ("emergency",)})
        return tables
