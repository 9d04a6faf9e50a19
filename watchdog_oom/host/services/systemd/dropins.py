"""Where systemd stores memory bounds set for this boot only, and how to remove them.

``systemctl --runtime set-property`` and its D-Bus equivalent write each property into a drop-in, which overrides the
unit's own files. Setting the former value again would leave a drop-in that overrides what the operator writes later.
"""

from __future__ import annotations

import os
from contextlib import suppress

from watchdog_oom.core.unit_name import full_name

CONTROL = "run/systemd/system.control"
_PROPERTIES = ("MemoryHigh", "MemoryMax")


def bound_at_runtime(unit: str, root: str = "/") -> bool:
    """Whether the unit has memory bounds set for this boot. Units created at runtime are not covered: their drop-ins
    are elsewhere, and are removed with them."""
    return any(os.path.lexists(path) for path in _paths(unit, root))


def forget_bounds(unit: str, root: str = "/") -> str:
    """Remove the drop-ins with the unit's memory bounds for this boot; returns what went wrong, in words, or nothing.

    systemd keeps its current values, and reads the files again when it reloads.
    """
    try:
        for path in _paths(unit, root):
            with suppress(FileNotFoundError):
                os.unlink(path)
    except OSError as error:
        return f"its drop-in could not be removed: {error.strerror}"
    with suppress(OSError):  # the directory holds other drop-ins, or does not exist
        os.rmdir(_directory(unit, root))
    return ""


def _directory(unit: str, root: str) -> str:
    return os.path.join(root, CONTROL, f"{full_name(unit)}.d")


def _paths(unit: str, root: str) -> tuple[str, ...]:
    return tuple(os.path.join(_directory(unit, root), f"50-{key}.conf") for key in _PROPERTIES)
