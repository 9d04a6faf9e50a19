"""Writes the catalog of the system journal: packaging/catalog.py FILE. With it `journalctl -x` explains each record.

It has the words of the table in docs/operations.md, so that neither can say what the other does not, and the ids of
the program itself. Needs nothing but Python's own library.
"""

from __future__ import annotations

import ast
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
TABLE = TOP / "docs" / "operations.md"
IDS = TOP / "watchdog_oom" / "journal" / "system_log.py"
_WIDTH = 78
_ROW = re.compile(r"^\| ((?:`\w+`(?:, )?)+) \|\s*(.*?)\s*\| (.*?) \|$", re.MULTILINE)
SUBJECTS = {
    "start": "The daemon is ready", "stop": "The daemon ended",
    "policy": "Policies were loaded, or could not be",
    "incident": "An incident was opened, made progress, was held or closed",
    "intent": "Something is about to be done", "outcome": "What came of it",
    "refused": "A policy asked for something that is never done",
    "recovered": "What a daemon that is no more had left undone is made good",
    "late": "The daemon itself was late", "request": "Somebody asked the daemon for something",
}


def catalog() -> str:
    """The whole file (systemd's "Journal Message Catalogs")."""
    entries = rows()
    ids = message_ids()
    parts = ["# Made from docs/operations.md by packaging/catalog.py.\n"]
    for kind, message_id in ids.items():
        parts.append("\n".join([
            f"-- {message_id}", f"Subject: {SUBJECTS[kind]}", "Defined-By: watchdog-oom",
            "Documentation: man:watchdog-oomd(8) man:watchdog-oom(1)", "", *_body(entries.get(kind, []))]))
    return "\n".join(parts)


def message_ids() -> dict[str, str]:
    """The ids by kind, as the daemon's source has them."""
    for node in ast.parse(IDS.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Dict) and (
                ast.unparse(node.target) == "MESSAGE_IDS"):
            return {ast.unparse(key).rpartition(".")[2].lower(): ast.literal_eval(value)
                    for key, value in zip(node.value.keys, node.value.values, strict=True) if key is not None}
    raise SystemExit(f"{IDS}: no MESSAGE_IDS")


def rows() -> dict[str, list[tuple[str, str]]]:
    """What a record of a kind says and what to do, as the table has it, in plain text."""
    section = TABLE.read_text(encoding="utf-8").partition("\n## In the night\n")[2].partition("\n## ")[0]
    found: dict[str, list[tuple[str, str]]] = {}
    for kinds, says, do in _ROW.findall(section):
        for kind in re.findall(r"`(\w+)`", kinds):
            found.setdefault(kind, []).append((_plain(says, ""), _plain(do, '"')))
    return found


def _plain(text: str, quote: str) -> str:
    """Without Markdown: what is typed or said stands in quotes, where there are any."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return re.sub(r"`([^`]*)`", rf"{quote}\1{quote}", text).replace("**", "").strip()


def _body(entries: list[tuple[str, str]]) -> Iterator[str]:
    for says, do in entries:
        if says:
            yield from _wrapped(says, "* ")
        yield from _wrapped(f"{do[:1].upper()}{do[1:]}", "  " if says else "")
    yield ""
    yield "The whole record, with its evidence: watchdog-oom audit --long"
    yield ""


def _wrapped(text: str, first: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=first, subsequent_indent="  " if first else "",
                         break_on_hyphens=False, break_long_words=False)


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit("usage: packaging/catalog.py FILE")
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(catalog(), encoding="utf-8")


if __name__ == "__main__":
    main()
