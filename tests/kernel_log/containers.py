"""What logs do to the kernel's messages: prefixes of every family, records around them, line breaks, quoting."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

START = 139.201253  # seconds since boot of the first message
BOOT = datetime(2025, 5, 19, 18, 12, 24, tzinfo=UTC).timestamp()
HOST = "mail-2"

Messages = list[tuple[float, str]]


def messages(report: str, start: float = START) -> Messages:
    """Each message with its time since boot."""
    return [(start + index * 0.000007, line) for index, line in enumerate(report.splitlines())]


def _date(seconds: float) -> datetime:
    return datetime.fromtimestamp(BOOT + seconds, tz=UTC)


def _lines(parts: Iterable[str]) -> bytes:
    return "".join(f"{part}\n" for part in parts).encode()


def _each(prefix: Callable[[float], str]) -> Callable[[Messages], bytes]:
    return lambda report: _lines(prefix(seconds) + text for seconds, text in report)


def _syslog(seconds: float) -> str:
    return f"{_date(seconds):%b %e %H:%M:%S} {HOST} kernel: "


def _dmesg(seconds: float) -> str:
    return f"[{seconds:12.6f}] "


def _iso(seconds: float, timespec: str = "microseconds") -> str:
    return _date(seconds).isoformat(timespec=timespec)


def _micro(seconds: float) -> int:
    return round((BOOT + seconds) * 1e6)


def kmsg(report: Messages) -> bytes:
    """/dev/kmsg: one record with the counters of Mem-Info, their line feeds escaped, and a line of the device."""
    parts: list[str] = []
    for number, (seconds, text) in enumerate(report):
        if text.startswith(" ") and ":" in text and parts and "_anon:" in parts[-1]:
            parts[-1] += f"\\x0a{text}"
        else:
            parts.append(f"4,{900 + number},{round(seconds * 1e6)},-,caller=T5241;{text}")
    return _lines(line for part in parts for line in (part, " SUBSYSTEM=pci", " DEVICE=+pci:0000:00:1f.2"))


def line_feeds_as_012(report: Messages) -> bytes:
    """rsyslog: the counters of Mem-Info are one message of several lines."""
    parts: list[str] = []
    for seconds, text in report:
        if text.startswith(" ") and ":" in text and parts and "_anon:" in parts[-1]:
            parts[-1] += f"#012{text}"
        else:
            parts.append(_syslog(seconds) + text)
    return _lines(parts)


def padded_counters(report: Messages) -> bytes:
    """dmesg: the further lines of a message are indented by the width of its time."""
    return _lines(" " * 15 + text if text.startswith(" ") and ":" in text else _dmesg(seconds) + text
                  for seconds, text in report)


def journal_json(report: Messages) -> bytes:
    return _lines(json.dumps(_fields(seconds, text)) for seconds, text in report)


def journal_json_pretty(report: Messages) -> bytes:
    return _lines(json.dumps(_fields(seconds, text), indent="\t", separators=(",", " : ")) for seconds, text in report)


def journal_json_sse(report: Messages) -> bytes:
    return _lines(f"data: {json.dumps(_fields(seconds, text))}\n" for seconds, text in report)


def journal_json_bytes(report: Messages) -> bytes:
    """A message that is no UTF-8 is a list of bytes."""
    return _lines(json.dumps(_fields(seconds, text) | ({"MESSAGE": list(text.encode())} if text[:1] == "[" else {}))
                  for seconds, text in report)


def journal_export(report: Messages) -> bytes:
    return _lines("".join(f"{key}={value}\n" for key, value in _fields(seconds, text).items())
                  for seconds, text in report)


def journal_verbose(report: Messages) -> bytes:
    head = "Mon {:%Y-%m-%d %H:%M:%S.%f} UTC [s=0123456789abcdef;i=1;b=fedcba;m=84c;t=6358;x=1]\n"
    return _lines((head.format(_date(seconds)) + "".join(f"    {key}={value}\n" for key, value in
                                                         _fields(seconds, text).items() if key[:2] != "__")).rstrip()
                  for seconds, text in report)


def _fields(seconds: float, text: str) -> dict[str, str]:
    return {"__CURSOR": "s=0123;i=1", "__REALTIME_TIMESTAMP": str(_micro(seconds)), "PRIORITY": "4",
            "__MONOTONIC_TIMESTAMP": str(round(seconds * 1e6)), "_HOSTNAME": HOST, "_TRANSPORT": "kernel",
            "MESSAGE": text, "SYSLOG_IDENTIFIER": "kernel",
            "_SOURCE_MONOTONIC_TIMESTAMP": str(round(seconds * 1e6))}


def dmesg_json(report: Messages) -> bytes:
    records = ",".join(f'{{\n         "pri": 4,\n         "time": {seconds:15.6f},\n         "msg": {json.dumps(text)}'
                       "\n      }" for seconds, text in report)
    return f'{{\n   "dmesg": [\n      {records}\n   ]\n}}\n'.encode()


def docker(report: Messages) -> bytes:
    return _lines(json.dumps({"log": f"{_dmesg(seconds)}{text}\n", "stream": "stdout", "time": _iso(seconds)})
                  for seconds, text in report)


def wrapped(width: int) -> Callable[[Messages], bytes]:
    """A mail: lines broken at blanks."""
    def wrap(report: Messages) -> bytes:
        return _lines(piece for seconds, text in report for piece in
                      textwrap.wrap(_dmesg(seconds) + text, width, break_long_words=False, break_on_hyphens=False))
    return wrap


def wrapped_and_quoted(report: Messages) -> bytes:
    return b"".join(b"> > " + line + b"\n" for line in wrapped(72)(report).splitlines())


def among_others(report: Messages) -> bytes:
    """Between the lines stand those of others, of the kernel as of programs, some of which speak of the kill."""
    parts = []
    for seconds, text in report:
        when = _syslog(seconds).removesuffix("kernel: ")
        parts += [_syslog(seconds) + f"[{seconds:12.6f}] " + text,
                  f"{when}kernel: [{seconds:12.6f}] [UFW BLOCK] IN=eth0 OUT= SRC=192.0.2.1 LEN=40",
                  f"{when}node-problem-detector[3240]: New status: kernel: Out of memory: Killed process 99 (other)",
                  f"{when}kernel: [{seconds:12.6f}] docker0: port 2(veth) entered disabled state"]
    return _lines(parts)


def coloured(report: Messages) -> bytes:
    return _lines(f"\x1b[32m[{seconds:12.6f}] \x1b[0m\x1b[31m{text}\x1b[0m" for seconds, text in report)


def of_dmesg(change: Callable[[bytes], bytes]) -> Callable[[Messages], bytes]:
    return lambda report: change(_each(_dmesg)(report))


CONTAINERS: dict[str, Callable[[Messages], bytes]] = {
    "bare": _each(lambda seconds: ""),
    "dmesg": _each(_dmesg),
    "dmesg with caller": _each(lambda seconds: f"[{seconds:12.6f}][ T5241] "),
    "dmesg with caller, squeezed": _each(lambda seconds: f"[{seconds:.6f}] [ T5241] "),
    "dmesg -T": _each(lambda seconds: f"[{_date(seconds):%a %b %e %H:%M:%S %Y}] "),
    "dmesg -T in German": _each(lambda seconds: f"[Mo Mai {_date(seconds):%e %H:%M:%S %Y}] "),
    "dmesg -T in Japanese": _each(lambda seconds: f"[月  5月 {_date(seconds):%e %H:%M:%S %Y}] "),
    "dmesg -T in French": _each(lambda seconds: f"[lun. mai {_date(seconds):%e %H:%M:%S %Y}] "),
    "dmesg -T in Korean": _each(lambda seconds: f"[월  5월 {_date(seconds):%e %H:%M:%S %Y}] "),
    "dmesg -T in Thai": _each(lambda seconds: f"[จ. พ.ค. {_date(seconds):%e %H:%M:%S %Y}] "),
    "dmesg --json": dmesg_json,
    "of a console": _each(lambda seconds: f"mail-2 login: [{seconds:12.6f}] "),
    "of an unknown shipper": _each(lambda seconds: f"| 05-19 | W | {HOST} | kernel: "),
    "relayed": _each(lambda seconds: f"{_iso(seconds)} {_syslog(seconds)}[{seconds:12.6f}] "),
    "broadcast": _each(lambda seconds: f" kernel:[{seconds:12.6f}] "),
    "slashes": _each(lambda seconds: f"{_date(seconds):%Y/%m/%d %H:%M:%S} {HOST} kernel: "),
    "no host": _each(lambda seconds: f"{_date(seconds):%b %d %H:%M:%S} kernel: "),
    "dmesg -x": _each(lambda seconds: f"kern  :warn  : [{seconds:12.6f}] "),
    "dmesg -x iso": _each(lambda seconds: f"kern  :warn  : {_iso(seconds).replace('.', ',')} "),
    "dmesg iso": _each(lambda seconds: f"{_iso(seconds).replace('.', ',')} "),
    "dmesg -e": _each(lambda seconds: f"[{_date(seconds):%b%e %H:%M}] "),
    "dmesg -d": _each(lambda seconds: f"[{seconds:12.6f} <    0.000007>] "),
    "dmesg delta": _each(lambda seconds: "[  +0.000007] "),
    "dmesg -r": _each(lambda seconds: f"<4>[{seconds:12.6f}] "),
    "syslog": _each(_syslog),
    "syslog and dmesg": _each(lambda seconds: _syslog(seconds) + _dmesg(seconds)),
    "syslog with priority": _each(lambda seconds: f"<4>{_syslog(seconds)}"),
    "syslog in Russian": _each(lambda seconds: f"мая {_date(seconds):%d %H:%M:%S} {HOST} kernel: "),
    "syslog, day first": _each(lambda seconds: f"{_date(seconds):%d} mai {_date(seconds):%H:%M:%S} {HOST} kernel: "),
    "syslog with facility": _each(lambda seconds: f"{_date(seconds):%b %e %H:%M:%S} {HOST} kern.warn kernel: "
                                                  + _dmesg(seconds)),
    "logread": _each(lambda seconds: f"{_date(seconds):%a %b %e %H:%M:%S %Y} kern.warn kernel: " + _dmesg(seconds)),
    "kernel: alone": _each(lambda seconds: "kernel: "),
    "rfc3339": _each(lambda seconds: f"{_iso(seconds)} {HOST} kernel: " + _dmesg(seconds)),
    "rfc3339 Z": _each(lambda seconds: f"{_iso(seconds).replace('+00:00', 'Z')} {HOST} kernel: "),
    "rfc5424": _each(lambda seconds: f"<4>1 {_iso(seconds)} {HOST} kernel - - - " + _dmesg(seconds)),
    "rfc5424 with data": _each(lambda seconds: f'<4>1 {_iso(seconds)} {HOST} kernel 1 ID [x@1 a="b"] '),
    "journal short-precise": _each(lambda seconds: f"{_date(seconds):%b %d %H:%M:%S.%f} {HOST} kernel: "),
    "journal short-iso": _each(lambda seconds: f"{_date(seconds):%Y-%m-%dT%H:%M:%S%z} {HOST} kernel: "),
    "journal short-iso-precise": _each(lambda seconds: f"{_date(seconds):%Y-%m-%dT%H:%M:%S.%f%z} {HOST} kernel: "),
    "journal short-full": _each(lambda seconds: f"{_date(seconds):%a %Y-%m-%d %H:%M:%S} UTC {HOST} kernel: "),
    "journal short-full, other zone": _each(
        lambda seconds: f"{_date(seconds):%a %Y-%m-%d %H:%M:%S} CEST {HOST} kernel: "),
    "journal short-unix": _each(lambda seconds: f"{BOOT + seconds:.6f} {HOST} kernel: "),
    "journal short-monotonic": _each(lambda seconds: f"[{seconds:12.6f}] {HOST} kernel: "),
    "journal short-delta": _each(lambda seconds: f"[{seconds:12.6f} <    0.000007 >] {HOST} kernel: "),
    "journal json-seq": lambda report: b"".join(b"\x1e" + line + b"\n" for line in journal_json(report).splitlines()),
    "journal json": journal_json, "journal json-pretty": journal_json_pretty, "journal json-sse": journal_json_sse,
    "journal json of bytes": journal_json_bytes, "journal export": journal_export, "journal verbose": journal_verbose,
    "/dev/kmsg": kmsg, "docker": docker,
    "kubernetes": _each(lambda seconds: f"{_iso(seconds).replace('+00:00', 'Z')} stdout F " + _dmesg(seconds)),
    "rsyslog's #012": line_feeds_as_012, "dmesg's own indentation": padded_counters,
    "grep of a file": _each(lambda seconds: f"/var/log/messages-20250519:{_syslog(seconds)}"),
    "grep -n": _each(lambda seconds: f"{round(seconds)}:{_syslog(seconds)}"),
    "less -N": _each(lambda seconds: f"    {round(seconds)} {_syslog(seconds)}"),
    "among others": among_others, "coloured": coloured,
    "wrapped at 76": wrapped(76), "wrapped at 72, quoted": wrapped_and_quoted, "wrapped at 80": wrapped(80),
    "CRLF": of_dmesg(lambda log: log.replace(b"\n", b"\r\n")),
    "indented": of_dmesg(lambda log: b"".join(b"    " + line + b"\n" for line in log.splitlines())),
    "quoted": of_dmesg(lambda log: b"".join(b"> " + line + b"\n" for line in log.splitlines())),
    "padded": of_dmesg(lambda log: b"".join(line.ljust(170) + b"\n" for line in log.splitlines())),
    "with a mark": of_dmesg(lambda log: b"\xef\xbb\xbf" + log),
    "no-break blanks": of_dmesg(lambda log: log.replace(b"  ", b"\xc2\xa0 ")),
    "blank lines between": of_dmesg(lambda log: log.replace(b"\n", b"\n\n")),
}
