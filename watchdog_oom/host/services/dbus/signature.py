"""Signatures: how D-Bus writes the types of values (D-Bus specification, "Type System")."""

from __future__ import annotations

from functools import lru_cache

from watchdog_oom.lean_typing import TypeAlias

MOST_SIGNATURE_BYTES = 255
DEEPEST_ARRAYS = 32
DEEPEST_STRUCTS = 32
BASIC = frozenset("ybnqiuxtdsogh")
ALIGNMENT = {"y": 1, "b": 4, "n": 2, "q": 2, "i": 4, "u": 4, "x": 8, "t": 8, "d": 8, "h": 4,
             "s": 4, "o": 4, "g": 1, "v": 1, "a": 4, "(": 8, "{": 8}

# A type code and the types inside: one of an array, those of a struct's fields, the key and the value of a dict entry.
Kind: TypeAlias = "tuple[str, tuple[Kind, ...]]"


class FormatError(ValueError):
    """A signature, a value or bytes that the format of D-Bus does not allow."""


@lru_cache(maxsize=32)  # the properties of a unit have about twenty
def types_of(signature: str) -> tuple[Kind, ...]:
    """The complete types that the signature names one after the other. Raises FormatError if it is not valid."""
    if len(signature) > MOST_SIGNATURE_BYTES:
        raise FormatError("a signature is too long")
    found = []
    at = 0
    while at < len(signature):
        kind, at = _type_at(signature, at, 0, 0)
        found.append(kind)
    return tuple(found)


def _type_at(signature: str, at: int, arrays: int, structs: int) -> tuple[Kind, int]:
    """The type that begins there, inside so many arrays and structs, and where it ends."""
    code = signature[at:at + 1]
    if code in BASIC or code == "v":
        return (code, ()), at + 1
    if (code == "a" and arrays >= DEEPEST_ARRAYS) or (code == "(" and structs >= DEEPEST_STRUCTS):
        raise FormatError("a signature is too deep")
    if code == "a" and signature[at + 1:at + 2] == "{":
        parts, at = _parts(signature, at + 2, "}", arrays + 1, structs)
        if len(parts) != 2 or parts[0][0] not in BASIC:
            raise FormatError("a signature has a wrong dict entry")
        return ("a", (("{", parts),)), at
    if code == "a":
        element, at = _type_at(signature, at + 1, arrays + 1, structs)
        return ("a", (element,)), at
    if code == "(":
        parts, at = _parts(signature, at + 1, ")", arrays, structs + 1)
        return ("(", parts), at
    raise FormatError("a signature is not valid")


def _parts(signature: str, at: int, end: str, arrays: int, structs: int) -> tuple[tuple[Kind, ...], int]:
    """The types up to the closing bracket, at least one."""
    parts: list[Kind] = []
    while not parts or signature[at:at + 1] != end:
        part, at = _type_at(signature, at, arrays, structs)
        parts.append(part)
    return tuple(parts), at + 1


def is_object_path(text: str) -> bool:
    return text == "/" or (text.startswith("/") and all(
        part.isascii() and part.replace("_", "a").isalnum() for part in text[1:].split("/")))
