"""A program of the tree that is no part of the package, as a module."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType


def loaded_program(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"loaded_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
