"""The meaning of each key from the reference, docs/policy.md, as an editor shows it."""

from __future__ import annotations

import re
from collections.abc import Mapping

SECTIONS: Mapping[str, str] = {"### `probe`": "probe", "### Clauses of `when`": "clause", "### Steps": "step"}
_HEADING = re.compile(r"^#+ `?\[([a-z]+)(?:\.NAME)?\]`?$|^(#+ .*)$")
_ROW = re.compile(r"^\| `(\w+)` \|(?:[^|]|(?<=\\)\|)*\|(?:[^|]|(?<=\\)\|)*\| (.*) \|$")


def meanings(reference: str) -> Mapping[tuple[str, str], str]:
    """By kind of table and key. Links keep their words."""
    found: dict[tuple[str, str], str] = {}
    table = ""
    for line in reference.splitlines():
        heading = _HEADING.match(line)
        if heading is not None:
            table = heading[1] or SECTIONS.get(heading[2], "")
            continue
        row = _ROW.match(line)
        if row is not None:
            found.setdefault((table, row[1]), re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", row[2]).replace("\\|", "|"))
    return found
