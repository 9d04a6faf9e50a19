"""What the reader of a status sees beside the daemon's file, and how it is to be shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from watchdog_oom.cli.status.rules_near import NearRules
from watchdog_oom.lean_dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Seen:
    """``largest`` are rows in the columns of status_page.LARGEST, ordered by ``sorted_by``; ``actions`` are records of
    the journal, the newest first, or ``no_actions`` says why there are none. ``width`` is that of the window in
    columns, ``None`` where the page is not drawn but read, as in a pipe or by a screen reader: then there are no bars.
    """

    near: NearRules | None = None
    largest: Sequence[Sequence[str]] = ()
    sorted_by: str = ""
    actions: Sequence[Mapping[str, Any]] = ()
    no_actions: str = ""
    width: int | None = None
