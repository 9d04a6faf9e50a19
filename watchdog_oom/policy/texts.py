"""Values that are text: paths, unit names, patterns, commands, names of nouns. ValueErrors are written for people."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable

from watchdog_oom.core.glob import glob_pattern
from watchdog_oom.core.unit_name import is_unit_name


class WrongValueError(ValueError):
    """A value of the wrong type or out of range; the message continues after the name of the key."""


def described(value: object) -> str:
    """What a TOML value is, in words."""
    names = ((bool, "true or false"), (int, "a whole number"), (float, "a number"), (str, "text"), (list, "a list"),
             (dict, "a table"))
    return next((name for kind, name in names if isinstance(value, kind)), "a date or time")


def text(value: object) -> str:
    if not isinstance(value, str):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        hint = f': put it in quotes, "{value}"' if number else ""
        raise WrongValueError(f"must be text in quotes, not {described(value)}{hint}")
    if not value.strip():
        raise WrongValueError("must not be empty")
    if "\0" in value:
        raise WrongValueError("must not contain a NUL character")
    return value


def texts(value: object) -> tuple[str, ...]:
    """A text, or a list of at least one text."""
    if not isinstance(value, list):
        return (text(value),)
    if not value:
        raise WrongValueError("the list is empty")
    return possibly_no_texts(value)


def possibly_no_texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        return (text(value),)
    return tuple(_of_item(position, item) for position, item in enumerate(value, 1))


def _of_item(position: int, item: object) -> str:
    try:
        return text(item)
    except ValueError as error:
        raise WrongValueError(f"item {position} of the list {error}") from None


def path(value: object) -> str:
    """An absolute path without ``.`` and ``..``; doubled and trailing slashes are dropped."""
    given = text(value)
    _refuse_home(given)
    if not given.startswith("/"):
        raise WrongValueError(f'"{given}" must be an absolute path')
    parts = given.split("/")
    if ".." in parts or "." in parts:
        raise WrongValueError(f'"{given}" must not contain "." or ".."')
    plain = "/" + "/".join(part for part in parts if part)
    if plain == "/":
        raise WrongValueError('must not be "/"')
    return plain


def _refuse_home(given: str) -> None:
    if given.startswith("~"):
        rest = given.partition("/")[2]
        raise WrongValueError(f'"{given}": there is no shell that knows whose home ~ is: write "/root/{rest}" or '
                              f'"/home/NAME/{rest}"')


def unit(value: object) -> str:
    given = text(value)
    if not is_unit_name(given):
        raise WrongValueError(f'"{given}" is not a unit name like "amavis.service" (patterns are not possible here)')
    return given


def units(value: object) -> tuple[str, ...]:
    return tuple(unit(given) for given in possibly_no_texts(value))


def path_globs(value: object) -> tuple[str, ...]:
    globs = texts(value)
    for glob in globs:
        _refuse_home(glob)
        if not glob.startswith(("/", "*", "[")):
            raise WrongValueError(f'"{glob}" can never match: write the whole path, "/usr/bin/{glob}" or "**/{glob}", '
                                  "or use the key name")
        _check_pattern(glob, lambda glob: glob_pattern(glob, path=True))
    return globs


def name_globs(value: object) -> tuple[str, ...]:
    globs = texts(value)
    for glob in globs:
        _check_pattern(glob, glob_pattern)
    return globs


def entry_globs(value: object) -> tuple[str, ...]:
    globs = name_globs(value)
    for glob in globs:
        if "/" in glob or glob in (".", ".."):
            raise WrongValueError(f'"{glob}" must be a pattern for direct children of the directory, without a slash, '
                                  'and not "." or ".."')
    return globs


def regexes(value: object) -> tuple[str, ...]:
    patterns = texts(value)
    for pattern in patterns:
        _check_pattern(pattern, re.compile)
    return patterns


def _check_pattern(pattern: str, compiler: Callable[[str], object]) -> None:
    """Patterns for which Python issues a FutureWarning, because a later version reads them differently, are refused
    as well."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            compiler(pattern)
    except (re.error, Warning, OverflowError, RecursionError) as error:
        raise WrongValueError(f'"{pattern}" is not a valid pattern: {error}') from None


def names_or_stopped(value: object) -> tuple[str, ...] | str:
    return "stopped" if value == "stopped" else texts(value)


def argv(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise WrongValueError('must be a list: the program and its arguments, ["/usr/bin/program", "argument"]')
    for position, word in enumerate(value, 1):
        if not isinstance(word, str):
            raise WrongValueError(f"item {position} of the list must be text in quotes, not {described(word)}")
        if "\0" in word:
            raise WrongValueError(f"item {position} of the list must not contain a NUL character")
    _refuse_home(value[0])
    if not value[0].startswith("/") or value[0].endswith("/"):
        raise WrongValueError(f'"{value[0]}" must be the absolute path of a program: there is no shell and no PATH')
    return tuple(value)


def argv_or_none(value: object) -> tuple[str, ...]:
    return () if value == [] else argv(value)
