"""Lines that are records around a message: docker's and the journal's JSON, the journal's export and verbose forms."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from watchdog_oom.kernel_log.line import Line
from watchdog_oom.kernel_log.stamps import boot_stamp, calendar_stamp, unix_stamp
from watchdog_oom.kernel_log.strip import lines_of, text_of

_FIELD = re.compile(r"\s*(_{0,2}[A-Z][A-Z0-9_]{1,63})=(.*)", re.DOTALL)  # MESSAGE=text, of export and verbose
_PRETTY = re.compile(r'\s*"([A-Za-z_@]\w{1,63})" ?: *(".*"|\[.*\]|\d+(?:\.\d+)?|null|\[)?,?$')
_VERBOSE_HEAD = re.compile(r"(?:\S{2,9} )?"
                           r"(?P<date>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?(?: \S{1,6})?) \[s=[0-9a-f]{6}")
_CUT_JSON = re.compile(r'"(MESSAGE|message|log|msg|__REALTIME_TIMESTAMP|SYSLOG_IDENTIFIER|_TRANSPORT|_HOSTNAME|time)"'
                       r'\s*:\s*"((?:[^"\\]|\\.)*)')
_SECONDS = re.compile(r"\d{1,8}\.\d{1,9}$")
_MESSAGE_KEYS = ("MESSAGE", "message", "log", "msg", "Message")
_TIME_KEYS = ("time", "timestamp", "@timestamp", "ts")
_FIELDS_KEPT = 64
_MESSAGE_CHARS = 16384


class Records:
    """Turns physical lines into logical ones; a record of several lines is held until it ends."""

    def __init__(self) -> None:
        self._fields: dict[str, str] = {}
        self._last = ""

    def lines(self, number: int, raw: bytes) -> Iterator[Line]:
        """The logical lines that end with this physical one."""
        text = text_of(raw)
        bare = text.lstrip(" \t>\x1e")  # RFC 7464: a record separator before each object
        if bare.startswith(("{", "data: {")) and len(bare) > 2:
            yield from self.flush(number)
            found = [*_of_json(number, bare.removeprefix("data: "))]
            yield from found or (lines_of(number, text) if "}" in bare and not bare.endswith("}") else [])
        elif self._collects(number, text, bare, raw):
            if bare[:1] in ("}", "{") or not bare:
                yield from self.flush(number)
        else:
            yield from self.flush(number)
            yield from lines_of(number, text)

    def flush(self, number: int) -> Iterator[Line]:
        """The record that is held, as if it ended here."""
        fields, self._fields, self._last = self._fields, {}, ""
        if fields:
            yield from _of_fields(number, fields)

    def _collects(self, number: int, text: str, bare: str, raw: bytes) -> bool:
        """Whether the line is a part of a record of several lines, which is then kept."""
        if "[s=" in bare and (head := _VERBOSE_HEAD.match(bare)):
            held, self._fields = self._fields, {"time": head["date"]}
            return not held or self._put_back(held)
        first = bare[:1]
        if (first.isupper() or first == "_") and "=" in bare[:66] and (found := _FIELD.match(text)):
            self._keep(found[1], found[2])
            return True
        if first == '"' and (found := _PRETTY.match(text)):
            value = found[2] or ""
            self._keep(found[1], _loaded(value) if value[:1] == '"' else value)
            return True
        if text == "MESSAGE":  # export: the length in 8 bytes, then what holds a line feed
            self._last = "binary"
            return True
        if self._last == "binary":
            self._keep("MESSAGE", text_of(raw[8:]))
            return True
        if self._fields and self._last == "MESSAGE" and text.startswith("        "):
            self._keep("MESSAGE", self._fields["MESSAGE"] + "\n" + text.strip())
            return True
        return bare.rstrip() == "{" or (bool(self._fields) and (not bare or bare[0] in "}{"))

    def _put_back(self, held: dict[str, str]) -> bool:
        """A new verbose record begins while one is held: the held one ends first, without being lost."""
        self._fields, held["next"] = held, self._fields["time"]
        return False

    def _keep(self, key: str, value: str) -> None:
        self._last = key
        if len(self._fields) < _FIELDS_KEPT:
            self._fields[key] = value[:_MESSAGE_CHARS]


def _loaded(value: str) -> str:
    try:
        return str(json.loads(value))
    except ValueError:
        return value.strip('"')


def _of_json(number: int, text: str) -> Iterator[Line]:
    try:
        loaded = json.loads(text)
    except (ValueError, RecursionError):
        loaded = {key: _loaded(f'"{value}"') for key, value in _CUT_JSON.findall(text)}
    if isinstance(loaded, dict):
        yield from _of_fields(number, {str(key): _plain(value) for key, value in loaded.items()})


def _plain(value: object) -> str:
    """The journal writes what is no UTF-8 as a list of bytes, and a repeated field as a list of texts."""
    if isinstance(value, list):
        if all(isinstance(item, int) and 0 <= item < 256 for item in value):
            return text_of(bytes(value))
        return _plain(value[0]) if value else ""
    return value if isinstance(value, str) else "" if value is None else str(value)


def _of_fields(number: int, fields: dict[str, str]) -> Iterator[Line]:
    message = next((fields[key] for key in _MESSAGE_KEYS if fields.get(key)), "")
    if not message:
        return
    like = Line(number, "", host=fields.get("_HOSTNAME", ""))
    inner_time = "__REALTIME_TIMESTAMP" not in fields
    if not inner_time:
        like.stamp = unix_stamp(fields["__REALTIME_TIMESTAMP"])
    like.tag = fields.get("SYSLOG_IDENTIFIER") or ("kernel" if fields.get("_TRANSPORT") == "kernel" else "")
    if monotonic := fields.get("_SOURCE_MONOTONIC_TIMESTAMP") or fields.get("__MONOTONIC_TIMESTAMP"):
        like.boot = float(monotonic) / 1e6 if monotonic.isascii() and monotonic.isdigit() else None
        if like.stamp is None and like.boot is not None:
            date = fields.get("time", "")  # the first line of a verbose record
            like.stamp = calendar_stamp(date) if "-" in date else boot_stamp(f"{like.boot:.6f}")
    outer = next((fields[key] for key in _TIME_KEYS if fields.get(key)), "") if inner_time else ""
    for line in lines_of(number, text_of(message.encode("utf-8", "backslashreplace")).rstrip("\n"), like):
        if line.stamp is None and outer:
            _stamp(line, outer)
        yield line


def _stamp(line: Line, time: str) -> None:
    """The record's own time: a date, seconds since boot (``dmesg --json``), or Unix time."""
    if "-" in time or ":" in time:
        line.stamp = calendar_stamp(time)
    elif _SECONDS.match(time):
        line.stamp, line.boot = boot_stamp(time), float(time)
    else:
        line.stamp = unix_stamp(time)
