"""The daemon's own directories, judged as policies are: whoever could replace one would decide what it does (Law 12).

Every directory from ``/`` on must belong to root, or to the user who runs the daemon, and be writable by nobody else; a
sticky one (``/tmp``) is accepted further up, since nobody can rename or replace another user's directory in it. No
symbolic link is followed, whoever made it: what was judged is then what is used.
"""

from __future__ import annotations

import os
import stat

from watchdog_oom.errors import NotPermittedError, UsageError
from watchdog_oom.policy.ownership import Part, problems, read_way, trusted_users

_COULD = "replace what the daemon keeps below it"
_ELSEWHERE = "let root own it and nobody else write to it, or name another directory"


def own_directory(path: str, purpose: str, mode: int = 0o700) -> None:
    """Create one of the daemon's directories and refuse one that others could write to or replace."""
    _judge(path, purpose)  # before anything is made where somebody else wants it to be
    try:
        os.makedirs(path, mode=mode, exist_ok=True)
    except PermissionError as error:
        raise NotPermittedError(f"{path}: the {purpose} directory cannot be made: {error.strerror}; "
                                f"run as root, or name another directory") from None
    except OSError as error:
        raise UsageError(f"{path}: the {purpose} directory cannot be made: {error.strerror}") from None
    _judge(path, purpose)
    if not os.access(path, os.W_OK):
        raise NotPermittedError(f"{path}: the {purpose} directory cannot be written to; "
                                f"run as root, or name another directory")


def group_writable_log(path: str) -> tuple[str, ...]:
    """What is wrong above the journal's directory but is not refused, in words."""
    return tuple(f"{part.path} is writable by its group, who could replace the audit journal (chmod g-w)"
                 for part in _parts(path)[:-1] if _is_log_s_group(part))


def _judge(path: str, purpose: str) -> None:
    """Raises UsageError for the first thing that is wrong on the way to the path, or to as much of it as exists."""
    way = _parts(path)
    for part in way:
        if stat.S_ISLNK(part.mode):
            raise UsageError(f"{path}: the {purpose} directory is reached over a symbolic link, {part.path}, which is "
                             "not followed: name the directory itself")
    if purpose == "log":
        # Distributions give /var/log to the group of their syslog daemon: that costs evidence, but decides nothing.
        way = tuple(Part(part.path, part.uid, part.mode & ~0o020) if _is_log_s_group(part) else part
                    for part in way[:-1]) + way[-1:]
    for place, what in problems(way, trusted_users(os.geteuid()), _COULD, _ELSEWHERE):
        raise UsageError(f"{path}: the {purpose} directory cannot be used: {place} {what}")


def _is_log_s_group(part: Part) -> bool:
    return part.uid == 0 and part.mode & 0o022 == 0o020 and not part.mode & stat.S_ISVTX


def _parts(path: str) -> tuple[Part, ...]:
    """The way to the path; of what does not exist yet, the last part stands for what will be made."""
    rest = path
    while True:
        try:
            way = read_way(rest)
        except (FileNotFoundError, NotADirectoryError) as error:
            rest, below = os.path.dirname(rest), rest
            if rest == below:  # not even / or the working directory can be found
                raise UsageError(f"{path}: cannot be examined: {error.strerror}") from None
            continue
        except OSError as error:
            kind = NotPermittedError if isinstance(error, PermissionError) else UsageError
            raise kind(f"{path}: cannot be examined: {error.strerror or error}") from None
        return way if rest == path else (*way, Part(path, os.geteuid(), stat.S_IFDIR | 0o700))
