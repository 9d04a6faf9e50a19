"""Where systemd keeps the memory bounds that were set for this boot only, and how they are forgotten.

``systemctl --runtime set-property``, and its like over D-Bus, write each property into a drop-in, which outvotes the
unit's own files. Setting the former value again would leave it there, to outvote what the operator writes later.
"""

from __future__ import annotations

import os
from contextlib import suppress

from watchdog_oom.core.unit_name import full_name

CONTROL = "run/systemd/system.control"
_PROPERTIES = ("MemoryHigh", "MemoryMax")


def bound_at_runtime(unit: str, root: str = "/") -> bool:
    """Whether somebody has bound the unit's memory for this boot. Units that were made at runtime are not asked about:
    their drop-ins are elsewhere, and go with them."""
    return any(os.path.lexists(path) for path in _paths(unit, root))


def forget_bounds(unit: str, root: str = "/") -> str:
    """Remove the drop-ins that bound the unit's memory for this boot; what went wrong, in words, or nothing.

    systemd goes on with the values it has, and looks at the files again when it reloads.
    """
    try:
        for path in _paths(unit, root):
            with suppress(FileNotFoundError):
                os.unlink(path)
    except OSError as error:
        return f"its drop-in could not be removed: {error.strerror}"
    with suppress(OSError):  # somebody else's drop-ins are in it, or there was none
        os.rmdir(_directory(unit, root))
    return ""


def _directory(unit: str, root: str) -> str:
    return os.path.join(root, CONTROL, f"{full_name(unit)}.d")


def _paths(unit: str, root: str) -> tuple[str, ...]:
    return tuple(os.path.join(_directory(unit, root), f"50-{key}.conf") for key in _PROPERTIES)
