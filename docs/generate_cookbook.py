"""Writes docs/cookbook.md from policies/cookbook/: docs/generate_cookbook.py [FILE], or - for standard output.

Needs nothing but Python's own library.
"""

from __future__ import annotations

import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
BOOK = TOP / "policies" / "cookbook"
PAGE = TOP / "docs" / "cookbook.md"
HEAD = """# The cookbook

Situations that cost real nights, each with a directory below `policies/cookbook`: a policy that ends it, `policy.toml`,
and beside it its test, `NAME.test.toml`. The Debian package brings them below
`/usr/share/doc/watchdog-oom/policies/cookbook`.

1. Copy the policy beside your others, and correct the paths, users and units at its top: they differ between
   distributions.
2. `watchdog-oom check FILE` says whether they match anything on this host, and `watchdog-oom plan FILE` what would be
   done now.
3. Change the test as you change the policy: `watchdog-oom test DIRECTORY` plays it.
   [Tests of policies](policy-tests.md) says how.
4. Begin with `mode = "observe"` in recoveries and `then = "report"` in limits, and read `watchdog-oom audit` after a
   week.

A policy file in `/etc/watchdog-oom/policies.d` takes the place of the built-in one, so put `policies/default.toml`
there first, as `00-default.toml`.

This page is made from the recipes by `docs/generate_cookbook.py`.
"""


def page() -> str:
    recipes = [(path.parent.name, path.read_text(encoding="utf-8")) for path in sorted(BOOK.glob("*/README.md"))]
    parts = [HEAD, *(_recipe(name, text) for name, text in recipes)]
    return "\n".join(parts)


def _recipe(name: str, text: str) -> str:
    """The page of a recipe one level deeper, and its policy."""
    deeper = "".join(f"#{line}" if line.startswith("#") else line for line in text.splitlines(keepends=True))
    policy = (BOOK / name / "policy.toml").read_text(encoding="utf-8")
    return f"{deeper}\n### `policies/cookbook/{name}/policy.toml`\n```toml\n{policy}```\n"


if __name__ == "__main__":
    wanted = sys.argv[1] if len(sys.argv) > 1 else str(PAGE)
    if wanted == "-":
        sys.stdout.write(page())
    else:
        Path(wanted).write_text(page(), encoding="utf-8")
