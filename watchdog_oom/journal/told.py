"""What a stored record says of itself, for those who read the journal. The daemon does not import this.

The state of an incident is in the first word of ``result``, as docs/operations.md lists it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

CLOSED, HELD = "closed", "held"


def time_of(record: Mapping[str, Any]) -> float | None:
    """When it was written, in seconds since the epoch; ``None`` for what is no time."""
    try:
        moment = datetime.fromisoformat(str(record.get("time")))
        return moment.timestamp() if moment.tzinfo is not None else None
    except (ValueError, OverflowError, OSError):
        return None


def truth_of(record: Mapping[str, Any]) -> bool | None:
    """Whether it came out as it was meant; ``None`` where that is not known, or not said."""
    value = record.get("ok")
    return value if isinstance(value, bool) else None
