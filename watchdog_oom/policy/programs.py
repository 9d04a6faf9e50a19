"""Whether a program that the configuration names can be run as root: judged like a policy file, at load and at run."""

from __future__ import annotations

import os
import stat

from watchdog_oom.policy.ownership import problems, read_way, trusted_users

_COULD = "decide what is run as root"
_ELSEWHERE = "move the program to where only root can write, such as /usr/local/sbin"


def program_faults(path: str, *, check_ownership: bool = True) -> tuple[str, ...]:
    """What is wrong with a program, in words that name the place; nothing if it can be run. Reads the disk, and so may
    wait for it."""
    try:
        found = os.stat(path)
        way = read_way(path)
    except OSError as error:
        return (f"{path}: cannot be run: {error.strerror or error}",)
    if not stat.S_ISREG(found.st_mode):
        what = "a directory" if stat.S_ISDIR(found.st_mode) else "no regular file"
        return (f"{path}: cannot be run: it is {what}",)
    faults: list[str] = []
    if not found.st_mode & 0o111:
        faults.append(f"{path}: is not executable (chmod +x)")
    if check_ownership:
        trusted = trusted_users(os.geteuid())
        faults.extend(f"{place}: {what}" for place, what in problems(way, trusted, _COULD, _ELSEWHERE))
    return tuple(faults)


def why_not_run(path: str) -> str:
    """The same as one text, for the child that is about to become the program."""
    return "; ".join(program_faults(path))
