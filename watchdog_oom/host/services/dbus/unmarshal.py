"""Bytes to values, in either order of bytes, and strictly: a peer's mistake is an error, whatever the bytes are.

The values are those of ``marshal``. Nothing is made before its bytes are there, and no more than MOST_VALUES of them:
an empty array takes sixteen times the memory of its four bytes.
"""

from __future__ import annotations

import struct

from watchdog_oom.host.services.dbus.marshal import DEEPEST, FIXED, MOST_ARRAY_BYTES
from watchdog_oom.host.services.dbus.signature import ALIGNMENT, FormatError, Kind, is_object_path, types_of
from watchdog_oom.lean_typing import Any

MOST_VALUES = 1 << 16
_ENDS_EARLY = "it ends within a value"
_READERS = {order: {code: struct.Struct(order + its).unpack_from for code, its in FIXED.items()} for order in "<>"}


class Unmarshaller:
    """Reads from ``position`` on; alignment counts from the first of ``data``. ``order``: ``<`` little endian, ``>``
    big endian."""

    __slots__ = ("_data", "_readers", "_values_left", "position")

    def __init__(self, data: bytes, order: str, position: int = 0) -> None:
        self._data = data
        self._readers = _READERS[order]
        self._values_left = MOST_VALUES
        self.position = position

    def read(self, signature: str) -> tuple[Any, ...]:
        """The values of these types. Raises FormatError."""
        return self._all(types_of(signature), 0)

    def align(self, step: int) -> None:
        """Skip the padding, which consists of zero bytes."""
        gap = -self.position % step
        if gap:
            if any(self._data[self.position:self.position + gap]):
                raise FormatError("its padding is not zero")
            self.position += gap

    def _all(self, kinds: tuple[Kind, ...], depth: int) -> tuple[Any, ...]:
        return tuple([self._value(kind, depth) for kind in kinds])

    def _value(self, kind: Kind, depth: int) -> Any:
        """``depth``: so many containers are around it."""
        code, parts = kind
        self._values_left -= 1
        if self._values_left < 0:
            raise FormatError("it has too many values")
        self.align(ALIGNMENT[code])
        if code in FIXED:
            return self._number(code)
        if code in "sog":
            return self._text(code)
        if depth >= DEEPEST:
            raise FormatError("its values are too deep")
        if code == "a":
            return self._array(parts[0], depth + 1)
        if code == "v":
            return self._variant(depth + 1)
        return self._all(parts, depth + 1)

    def _number(self, code: str) -> Any:
        try:
            (value,) = self._readers[code](self._data, self.position)
        except struct.error:
            raise FormatError(_ENDS_EARLY) from None
        self.position += ALIGNMENT[code]
        if code != "b":
            return value
        if value > 1:
            raise FormatError("a boolean is neither 0 nor 1")
        return value == 1

    def _text(self, code: str) -> str:
        length = self._number("y" if code == "g" else "u")
        data = self._bytes(length + 1)
        if data.find(0) != length:  # so it is if the data ends too early
            raise FormatError("a text does not end at its zero byte")
        try:
            text = data[:-1].decode()
        except UnicodeDecodeError:
            raise FormatError("a text is not UTF-8") from None
        if code == "g":
            types_of(text)
        elif code == "o" and not is_object_path(text):
            raise FormatError("an object path is not valid")
        return text

    def _bytes(self, length: int) -> bytes:
        """The next bytes, fewer if the data ends."""
        data = self._data[self.position:self.position + length]
        self.position += length
        return data

    def _variant(self, depth: int) -> tuple[str, Any]:
        signature = self._text("g")
        kinds = types_of(signature)
        if len(kinds) != 1:
            raise FormatError("a variant has not one type")
        return signature, self._value(kinds[0], depth)

    def _array(self, element: Kind, depth: int) -> Any:
        length = self._number("u")
        self.align(ALIGNMENT[element[0]])
        end = self.position + length
        if length > MOST_ARRAY_BYTES or end > len(self._data):
            raise FormatError(_ENDS_EARLY)
        if element[0] == "y":
            return self._bytes(length)
        found = []
        while self.position < end:
            found.append(self._value(element, depth))
        if self.position != end:
            raise FormatError("an array ends within a value")
        return dict(found) if element[0] == "{" else found
