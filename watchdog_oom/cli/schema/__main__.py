"""Writes the shipped schema anew, in the source tree: ``python -m watchdog_oom.cli.schema``."""

from __future__ import annotations

import json
import os

from watchdog_oom.cli.schema import SCHEMA_FILE
from watchdog_oom.cli.schema.document import schema_document
from watchdog_oom.cli.schema.reference import meanings

REFERENCE = os.path.join(os.path.dirname(SCHEMA_FILE), "..", "..", "..", "docs", "policy.md")


def current_text() -> str:
    """The schema as the policy language and its reference are now."""
    with open(REFERENCE, encoding="utf-8") as file:
        return json.dumps(schema_document(meanings(file.read())), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    with open(SCHEMA_FILE, "w", encoding="utf-8") as made:
        made.write(current_text())
