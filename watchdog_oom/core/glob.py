"""Shell globs as patterns that are matched without backtracking, whatever text somebody else chooses (Law 12).

A glob is fixed-length pieces with stars between them. Whatever follows a star is taken where it fits first, in an
atomic group that is never entered again: if any later place leads to a match, the first one does too, since the next
star covers the difference. Only what the glob ends with is tied to the text's end instead. With ``path`` the same holds
for the stars between two ``**``, which cannot leave their directory, and for each such group as a whole after a ``**``.
So a name costs its length times the glob's; after a ``**``, that times the length of one directory's name.
"""

from __future__ import annotations

import re
from enum import Enum

from watchdog_oom.lean_typing import TypeAlias


class _Star(Enum):
    """``*`` in a path, which stops at a slash, and ``**``, or any star in a name."""

    WITHIN = "[^/]*"
    ANY = ".*"


_Part: TypeAlias = "str | _Star"  # a piece as a pattern of fixed length, or a star


def glob_pattern(glob: str, *, path: bool = False) -> re.Pattern[str]:
    """A shell glob as a pattern for a whole text; with ``path``, ``*`` and ``?`` stop at a slash, ``**`` does not."""
    *first, last = _split(_tokens(glob, path=path), _Star.ANY)
    groups = [_group(group) for group in first]
    if not groups:
        return re.compile(_group(last, at_end=True), re.DOTALL)
    found = groups[0] + "".join(f"(?>.*?{group})" for group in groups[1:])
    return re.compile(f"{found}.*{_group(last, at_end=True)}", re.DOTALL)


def _group(tokens: list[_Part], *, at_end: bool = False) -> str:
    """What stands between two ``**``: pieces with stars that stay within a directory."""
    pieces = ["".join(str(token) for token in piece) for piece in _split(tokens, _Star.WITHIN)]
    if len(pieces) == 1:
        return pieces[0]
    star = _Star.WITHIN.value
    between = pieces[1:-1] if at_end else pieces[1:]
    found = pieces[0] + "".join(f"(?>{star}?{piece})" for piece in between)
    return f"{found}{star}{pieces[-1]}" if at_end else found


def _split(tokens: list[_Part], star: _Star) -> list[list[_Part]]:
    parts: list[list[_Part]] = [[]]
    for token in tokens:
        if token is star:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _tokens(glob: str, *, path: bool) -> list[_Part]:
    """The pieces and stars of a glob; of stars side by side one is left, the one that reaches farthest."""
    out: list[_Part] = []
    at = 0
    while at < len(glob):
        char = glob[at]
        if char == "*":
            end = at
            while glob[end:end + 1] == "*":
                end += 1
            out.append(_Star.WITHIN if path and end == at + 1 else _Star.ANY)
            at = end
            continue
        end = _class_end(glob, at) if char == "[" else -1
        if end > 0:
            out.append(_class_pattern(glob[at + 1:end], path=path))
            at = end + 1
            continue
        out.append(re.escape(char) if char != "?" else "[^/]" if path else ".")
        at += 1
    return out


def _class_end(glob: str, at: int) -> int:
    """Where the class that begins at ``at`` ends, or -1: a ``]`` that stands first is a member (glob(7))."""
    first = at + 2 if glob[at + 1:at + 2] in ("!", "^") else at + 1
    return glob.find("]", first + 1)


def _class_pattern(inside: str, *, path: bool) -> str:
    """A glob's class as a pattern's: what has a meaning only there is taken literally, and no class is a slash."""
    negated = inside[0] in "!^"
    members = re.sub("(.)-(.)|(.)", _member, inside[1:] if negated else inside, flags=re.DOTALL)
    return ("(?!/)" if path else "") + (f"[^{members}]" if negated else f"[{members}]")


def _member(found: re.Match[str]) -> str:
    """A range, or one character: a ``-`` between two is the only one with a meaning."""
    first, last, alone = found.groups()
    return re.escape(alone) if alone is not None else f"{re.escape(first)}-{re.escape(last)}"
