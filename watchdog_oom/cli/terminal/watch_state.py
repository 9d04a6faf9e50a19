"""What the keys of ``status --watch`` do: the state of the view, and the line that tells the keys. Pure."""

from __future__ import annotations

from watchdog_oom.lean_dataclasses import dataclass, replace

ORDERS = ("memory", "swap", "age", "name")
_ESCAPES = {b"\x1b[A": "up", b"\x1b[B": "down", b"\x1bOA": "up", b"\x1bOB": "down", b"\x1b[5~": "page up",
            b"\x1b[6~": "page down", b"\x1b[H": "home", b"\x1b[1~": "home", b"\x1b[F": "end", b"\x1b[4~": "end",
            b"\x1b[D": "left", b"\x1b[C": "right", b"\x1bOD": "left", b"\x1bOC": "right"}
_PLAIN = {b"k": "up", b"j": "down", b"b": "page up", b"f": "page down", b"g": "home", b"G": "end", b" ": "pause",
          b"s": "sort", b"S": "sort", b"q": "quit", b"Q": "quit", b"\x03": "quit", b"\x04": "quit",
          b"h": "left", b"l": "right", b"[": "back", b"]": "on"}


@dataclass(frozen=True, slots=True)
class WatchState:
    """``top`` is the first line shown of the unfolded page; 0: the page is folded into the window. ``paused`` is when
    the view was paused, in words."""

    order: str = ORDERS[0]
    paused: str = ""
    top: int = 0
    ended: bool = False


def keys_of(typed: bytes) -> list[str]:
    """The keys in what the terminal sent; what is none of ours is left out."""
    keys = []
    while typed:
        escape = next((code for code in _ESCAPES if typed.startswith(code)), None)
        if escape is not None:
            keys.append(_ESCAPES[escape])
        elif typed[:1] in _PLAIN:
            keys.append(_PLAIN[typed[:1]])
        typed = typed[len(escape) if escape is not None else _length(typed):]
    return keys


def _length(typed: bytes) -> int:
    """Of one key: an escape sequence that nobody knows must not be taken for the letters in it."""
    if typed[:2] not in (b"\x1b[", b"\x1bO"):
        return 1
    return next((at for at, byte in enumerate(typed[2:], 3) if 0x40 <= byte <= 0x7e), len(typed))


def pressed(state: WatchState, key: str, moment: str, page_rows: int, last_top: int) -> WatchState:
    """The state after a key. ``moment`` is the local time; ``last_top`` the last line from which a page fills the
    window."""
    steps = {"up": -1, "down": 1, "page up": -page_rows, "page down": page_rows, "home": -state.top, "end": last_top}
    if key in steps:
        return replace(state, top=max(0, min(last_top, state.top + steps[key])))
    if key == "pause":
        return replace(state, paused="" if state.paused else moment)
    if key == "sort":
        return replace(state, order=ORDERS[(ORDERS.index(state.order) + 1) % len(ORDERS)])
    return replace(state, ended=state.ended or key == "quit")


def help_line(state: WatchState, width: int) -> str:
    """The longest of several lines that fits."""
    space = f"PAUSED at {state.paused}, space goes on" if state.paused else "space pause"
    short = "PAUSED: space" if state.paused else "space pause"
    lines = (f"q quit   {space}   s sort: {state.order}   up/down PgUp/PgDn scroll",
             f"q quit  {space}  s {state.order}  up/down", f"{short}  q quit  s {state.order}  up/down",
             f"{short}  q quit  s sort", f"{short} q")
    return next((line for line in lines if len(line) <= width), lines[-1][:width])
