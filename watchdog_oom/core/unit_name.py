"""Which text can be the name of a service manager's unit, in a policy and on a host; systemd.unit(5)."""

from __future__ import annotations

import re

_UNIT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9:_.\\@-]{0,254}")
SUFFIXES = (".service", ".socket", ".timer", ".path", ".target", ".mount", ".automount", ".swap", ".slice", ".scope")


def is_unit_name(text: str) -> bool:
    """Whether it can be the name of a unit: no slash, no leading dash or dot, only printable ASCII.

    It becomes an argument of the service manager's programs, so it must not look like an option.
    """
    return _UNIT.fullmatch(text) is not None


def full_name(unit: str) -> str:
    """The unit's name with its suffix, ``.service`` if none is given."""
    return unit if unit.endswith(SUFFIXES) else f"{unit}.service"
