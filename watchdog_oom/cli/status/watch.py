"""``status --watch``: the page again and again; on a terminal it fills the window and heeds keys."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from watchdog_oom.cli.output import Page, draws_well, show, wants_colour
from watchdog_oom.cli.status.attention import ATTENTION
from watchdog_oom.cli.status.look import StatusLook
from watchdog_oom.cli.status.news import BLIND_SECONDS, LONGEST_SECONDS, StatusNews
from watchdog_oom.cli.status.recoveries import UNDER_WAY
from watchdog_oom.cli.status.rules import LARGEST_TITLE
from watchdog_oom.cli.terminal.fold import folded, scrolled
from watchdog_oom.cli.terminal.keys import Keys, terminal_keys
from watchdog_oom.cli.terminal.watch_state import ORDERS, WatchState, help_line, keys_of, pressed
from watchdog_oom.errors import WatchdogError

if TYPE_CHECKING:
    from rich.text import Text

LEAST_WIDTH, LEAST_HEIGHT = 20, 2
KEPT = (ATTENTION, UNDER_WAY)


def watch_status(news: StatusNews, look: StatusLook) -> None:
    """Until Ctrl-C or ``q``. If the daemon stops, keep waiting: it may be restarting."""
    try:
        if draws_well():
            with terminal_keys() as keys:
                _Watch(news, look, keys).run()
            return
        while True:
            show(_told(lambda: look.page(None, order=ORDERS[0])))
            click.echo()
            news.wait()
    except KeyboardInterrupt:
        return


def framed(page: Page, state: WatchState, width: int, height: int) -> tuple[Page, int]:
    """What a window of that size shows of the page, the keys in its last line, and the last line to scroll to."""
    body = max(1, height - 1)
    shown, last_top = scrolled(page, width, body, state.top, keep=KEPT)
    if state.top == 0:
        shown = folded(page, width, body, keep=KEPT, more=(LARGEST_TITLE,))
    lines = shown.lines()
    return Page([*lines, *[[] for _ in range(body - len(lines))], [(help_line(state, width), "dim")]]), last_top


def cropped(page: Page) -> Text:
    """As it is drawn: characters that take two columns make no line longer than the window."""
    text = page.rich()
    text.no_wrap, text.overflow = True, "crop"
    return text


def _told(read_page: Callable[[], Page]) -> Page:
    try:
        return read_page()
    except WatchdogError as error:
        page = Page()
        for line in str(error).splitlines():
            page.line((line, "red"))
        return page


class _Watch:
    """One screen: what is shown, and what the keys made of it."""

    def __init__(self, news: StatusNews, look: StatusLook, keys: Keys) -> None:
        from rich.console import Console
        self._news, self._look, self._keys = news, look, keys
        self._console = Console(highlight=False, emoji=False, markup=False, no_color=not wants_colour())
        self._state = WatchState()
        self._page = Page()
        self._last_top = 0

    def run(self) -> None:
        from rich.live import Live
        self._gather()
        with Live(self._screen(), console=self._console, auto_refresh=False, screen=True) as live:
            while not self._state.ended:
                typed, news_came = self._keys.wait(self._news.fileno(), self._patience())
                before = self._state
                self._press(typed)
                if news_came:
                    self._news.wait(0)
                asked = (before.order, before.paused) != (self._state.order, self._state.paused)
                if not self._state.paused and (news_came or asked or not typed):
                    self._gather()
                live.update(self._screen(), refresh=True)

    def _patience(self) -> float:
        return BLIND_SECONDS if self._news.fileno() is None else LONGEST_SECONDS

    def _press(self, typed: bytes) -> None:
        for key in keys_of(typed):
            moment = time.strftime("%H:%M:%S")
            self._state = pressed(self._state, key, moment, max(1, self._size()[1] // 2), self._last_top)

    def _size(self) -> tuple[int, int]:
        return max(LEAST_WIDTH, self._console.width), max(LEAST_HEIGHT, self._console.height)

    def _gather(self) -> None:
        width, height = self._size()
        self._page = _told(lambda: self._look.page(width, height, self._state.order))

    def _screen(self) -> Text:
        page, self._last_top = framed(self._page, self._state, *self._size())
        return cropped(page)
