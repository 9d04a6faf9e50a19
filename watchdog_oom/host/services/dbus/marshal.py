"""Values to bytes, little endian (D-Bus specification, "Marshaling").

A struct is a tuple, an array a list, an array of dict entries a dict, an array of bytes ``bytes``, a variant the tuple
of its signature and its value, a file descriptor its place among those that go with the message.
"""

from __future__ import annotations

import struct

from watchdog_oom.host.services.dbus.signature import ALIGNMENT, FormatError, Kind, is_object_path, types_of
from watchdog_oom.lean_typing import Any

MOST_ARRAY_BYTES = 64 << 20
DEEPEST = 64  # containers in each other, those in variants included
FIXED = {"y": "B", "b": "I", "n": "h", "q": "H", "i": "i", "u": "I", "x": "q", "t": "Q", "d": "d", "h": "I"}


def marshal(signature: str, values: tuple[object, ...]) -> bytes:
    """The values as bytes, which have to stand at a multiple of 8. Raises FormatError if one does not fit its type."""
    out = bytearray()
    _write_all(out, types_of(signature), values, 0)
    return bytes(out)


def _write_all(out: bytearray, kinds: tuple[Kind, ...], values: Any, depth: int) -> None:
    if not isinstance(values, tuple) or len(values) != len(kinds):
        raise FormatError(f"{len(kinds)} values belong together")
    for kind, value in zip(kinds, values, strict=True):
        _write(out, kind, value, depth)


def _write(out: bytearray, kind: Kind, value: Any, depth: int) -> None:
    """``depth``: so many containers are around it."""
    code, parts = kind
    out += bytes(-len(out) % ALIGNMENT[code])
    if code in FIXED:
        out += _number(code, value)
    elif code in "sog":
        _write_text(out, code, value)
    elif depth >= DEEPEST:
        raise FormatError("the values are too deep")
    elif code == "a":
        _write_array(out, parts[0], value, depth + 1)
    elif code == "v":
        _write_variant(out, value, depth + 1)
    else:
        _write_all(out, parts, value, depth + 1)


def _number(code: str, value: Any) -> bytes:
    if isinstance(value, bool) != (code == "b"):
        raise FormatError(f"{type(value).__name__} is the wrong type for {code!r}")
    try:
        return struct.pack(f"<{FIXED[code]}", value)
    except struct.error as error:
        raise FormatError(f"no value of type {code!r}: {error}") from None


def _write_text(out: bytearray, code: str, value: Any) -> None:
    if not isinstance(value, str):
        raise FormatError(f"{type(value).__name__} is the wrong type for {code!r}")
    if code == "g":
        types_of(value)
    if "\0" in value or (code == "o" and not is_object_path(value)):
        raise FormatError(f"no value of type {code!r}")
    try:
        data = value.encode()
    except UnicodeEncodeError:
        raise FormatError("a text is no Unicode") from None
    out += _number("y" if code == "g" else "u", len(data)) + data + b"\0"


def _write_variant(out: bytearray, value: Any, depth: int) -> None:
    if not isinstance(value, tuple) or len(value) != 2:
        raise FormatError("a variant is its signature and its value")
    _write_text(out, "g", value[0])
    _write_all(out, types_of(value[0]), (value[1],), depth)


def _write_array(out: bytearray, element: Kind, value: Any, depth: int) -> None:
    code = element[0]
    length_at = len(out)
    out += bytes(4)
    out += bytes(-len(out) % ALIGNMENT[code])
    start = len(out)
    if code == "y" and isinstance(value, bytes):
        out += value
    elif code == "{" and isinstance(value, dict):
        for entry in value.items():
            _write(out, element, entry, depth)
    elif code != "{" and isinstance(value, list):
        for one in value:
            _write(out, element, one, depth)
    else:
        raise FormatError(f"{type(value).__name__} is the wrong type for an array")
    length = len(out) - start
    if length > MOST_ARRAY_BYTES:
        raise FormatError("an array is too long")
    out[length_at:length_at + 4] = struct.pack("<I", length)
