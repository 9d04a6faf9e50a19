"""``top`` on a terminal: one sample fills the window, and keys go from one to the next."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from watchdog_oom.cli.output import Page, wants_colour
from watchdog_oom.cli.status.watch import LEAST_HEIGHT, LEAST_WIDTH, cropped
from watchdog_oom.cli.terminal.fold import folded, scrolled
from watchdog_oom.cli.terminal.keys import Keys, terminal_keys
from watchdog_oom.cli.terminal.watch_state import WatchState, keys_of, pressed
from watchdog_oom.cli.top.moments import Moments
from watchdog_oom.cli.top.page import PROCESSES, page_of
from watchdog_oom.cli.top.rows import SORTS, Choice

if TYPE_CHECKING:
    from rich.text import Text

JUMP_SECONDS = 600.0
PATIENT_SECONDS = 3600.0
_KEYS = ("q quit   left/right sample   [ ] 10 min   s sort: {}   up/down PgUp/PgDn scroll",
         "q quit  left/right  [ ] 10 min  s {}", "q  left/right  [ ]  s")


class Screen:
    """One window: the moment, the order, and how far it is scrolled."""

    def __init__(self, moments: Moments, choice: Choice) -> None:
        from rich.console import Console
        self._moments, self._choice = moments, choice
        self._console = Console(highlight=False, emoji=False, markup=False, no_color=not wants_colour())
        self._state = WatchState()
        self._last_top = 0

    def run(self) -> None:
        """Until ``q`` or Ctrl-C."""
        from rich.live import Live
        try:
            with terminal_keys() as keys, Live(self._drawn(), console=self._console, auto_refresh=False,
                                               screen=True) as live:
                while not self._state.ended:
                    self._heed(keys)
                    live.update(self._drawn(), refresh=True)
        except KeyboardInterrupt:
            return

    def _heed(self, keys: Keys) -> None:
        typed, _ = keys.wait(None, PATIENT_SECONDS)
        for key in keys_of(typed):
            if key in ("left", "right"):
                self._moments.step(-1 if key == "left" else 1)
            elif key in ("back", "on"):
                self._moments.jump(-JUMP_SECONDS if key == "back" else JUMP_SECONDS)
            elif key == "sort":
                following = SORTS[(SORTS.index(self._choice.sort) + 1) % len(SORTS)]
                self._choice = replace(self._choice, sort=following)
            elif key != "pause":
                self._state = pressed(self._state, key, "", max(1, self._size()[1] // 2), self._last_top)

    def _size(self) -> tuple[int, int]:
        return max(LEAST_WIDTH, self._console.width), max(LEAST_HEIGHT, self._console.height)

    def _drawn(self) -> Text:
        width, height = self._size()
        view = self._moments.view()
        page = Page() if view is None else page_of(view, self._choice, width)
        shown, self._last_top = scrolled(page, width, height - 1, self._state.top)
        if self._state.top == 0:
            shown = folded(page, width, height - 1, more=(PROCESSES,))
        lines = shown.lines()
        return cropped(Page([*lines, *[[] for _ in range(height - 1 - len(lines))], [(self._help(width), "dim")]]))

    def _help(self, width: int) -> str:
        lines = [line.format(self._choice.sort) for line in _KEYS]
        return next((line for line in lines if len(line) <= width), lines[-1][:width])
