"""Law 9: whether anybody but the owner of the daemon could change a policy file, by the stat data along its path.

Every component from ``/`` to the file is checked; for a symbolic link, the link itself, the directory it is in and
everything on the path to its target. A directory that others may write to is refused, with one exception: a sticky one
(``/tmp``) is accepted further up, because nobody can rename or replace another user's entries in it (unlink(2), EPERM),
and the owners of its entries are checked too. The directory that holds the policy files gets no exception: others could
add files to it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence

from watchdog_oom.lean_dataclasses import dataclass

OWN_DIRECTORY = "/etc/watchdog-oom"
_ELSEWHERE = f"move the policy to where only root can write, such as {OWN_DIRECTORY}/policies.d"
_MOST_LINKS = 40  # as the kernel follows: path_resolution(7)


@dataclass(frozen=True, slots=True)
class Part:
    """One component of a path: its own path, its owner, its type and permission bits (``st_mode``)."""

    path: str
    uid: int
    mode: int


def trusted_users(effective_uid: int) -> frozenset[int]:
    """The uids that may own a policy: root, and the user who runs the program."""
    return frozenset({0, effective_uid})


def read_way(path: str) -> tuple[Part, ...]:
    """Every component that the kernel passes when it resolves the path, including links and their targets. Raises
    OSError."""
    # Not normalised: the kernel resolves ``..`` after a link, not before. The working directory may be gone.
    waiting = _components(path if path.startswith("/") else os.path.join(os.getcwd(), path))
    here = "/"
    parts = [_read_part(here)]
    links = 0
    while waiting:
        name = waiting.pop()
        if name == "..":
            here = os.path.dirname(here)
            continue
        candidate = os.path.join(here, name)
        part = _read_part(candidate)
        parts.append(part)
        if not stat.S_ISLNK(part.mode):
            here = candidate
            continue
        links += 1
        if links > _MOST_LINKS:
            raise OSError(f"{path}: too many symbolic links")
        target = os.readlink(candidate)
        here = "/" if target.startswith("/") else here
        waiting.extend(_components(target))
    return tuple(parts)


def _components(path: str) -> list[str]:
    """The names of a path, the last one first."""
    return [part for part in path.split("/") if part not in ("", ".")][::-1]


def _read_part(path: str) -> Part:
    found = os.lstat(path)
    return Part(path, found.st_uid, found.st_mode)


def problems(way: Sequence[Part], trusted: frozenset[int], could: str = "change policies",
             elsewhere: str = _ELSEWHERE) -> tuple[tuple[str, str], ...]:
    """Pairs of a path and what is wrong with it, with the command that fixes it; nothing if all is well. ``could`` is
    what somebody else could do, ``elsewhere`` the remedy for a directory that must stay as it is."""
    found: list[tuple[str, str]] = []
    owners = " or ".join("root" if uid == 0 else f"uid {uid}" for uid in sorted(trusted))
    for part, following in zip(way, (*way[1:], None), strict=True):
        if part.uid not in trusted:
            what = (f"belongs to uid {part.uid}, who could {could}: its owner must be {owners} "
                    f"({_remedy(part, 'chown root', elsewhere)})")
            found.append((part.path, what))
        if not stat.S_ISLNK(part.mode) and part.mode & 0o022 and not _harmless(part, following):
            who = " and ".join(word for bit, word in ((0o020, "its group"), (0o002, "others")) if part.mode & bit)
            remedy = _remedy(part, "chmod go-w", elsewhere)
            found.append((part.path, f"is writable by {who}, who could {could} ({remedy})"))
    return tuple(found)


def _remedy(part: Part, command: str, elsewhere: str) -> str:
    """The command only where it breaks nothing: files, and directories of our own. Other directories, /tmp or a home,
    are as they are for a reason, and it is the policy that is in the wrong place."""
    if stat.S_ISDIR(part.mode) and not f"{part.path}/".startswith(f"{OWN_DIRECTORY}/"):
        return elsewhere
    return command


def _harmless(part: Part, following: Part | None) -> bool:
    """A sticky directory that does not hold the policy files itself."""
    return (bool(part.mode & stat.S_ISVTX) and stat.S_ISDIR(part.mode) and following is not None
            and not stat.S_ISREG(following.mode))
