"""Adds the man pages of section 5, which are made from the reference, to a wheel."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ManPages(BuildHookInterface):
    """``initialize`` is called by hatchling before it gathers the files."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        top = Path(self.root)
        made = top / "build" / "man"
        subprocess.run([sys.executable, "-B", str(top / "man" / "generate.py"), str(made)], check=True)
        for page in sorted(made.glob("*.5")):
            build_data["shared_data"][str(page)] = f"share/man/man5/{page.name}"
