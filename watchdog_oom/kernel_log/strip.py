"""Takes the prefixes off a line, whatever wrote them.

Syslog, RFC 3339, RFC 5424, dmesg in all its forms, the journal's short forms, /dev/kmsg, ``<4>``, ``[T123]``, quoting,
``grep``'s file names, colours. The prefixes stack in any order, so one after the other is taken off the beginning while
one fits.
"""

from __future__ import annotations

import re

from watchdog_oom.kernel_log.frames import without_frame, without_mark
from watchdog_oom.kernel_log.kinds import kind_of, looks_like_report
from watchdog_oom.kernel_log.line import Line
from watchdog_oom.kernel_log.stamps import boot_stamp, calendar_stamp, microseconds_stamp, unix_stamp
from watchdog_oom.kernel_log.unknown_prefix import without_unknown

_COLOUR = re.compile(r"(?:\x1b|#033)(?:\[[0-9;?]*[A-Za-z]|[()][A-Z0-9]|[=>])")
_QUOTES = frozenset(" \t>|`")
_QUOTE = re.compile(r"[\s>|`]+")
_ESCAPE = re.compile(r"\\x([0-9a-f]{2})")
_LINE_FEED = re.compile(r"#012|\\x0a|\n")
_REPEATED = re.compile(r"message repeated \d+ times: \[ ?(.*?) ?\]$")
_PAGES = 10  # prefixes are taken off at most so often

_MONTH = r"(?:[^\W\d_]{1,9}\.?|\d{1,2}月)"
_CLOCK = r"\d{1,2}:\d\d:\d\d(?:[.,]\d{1,9})?"
_WEEKDAY = r"(?:[^\W\d_]{1,4}\.?,? +)?"
_DATE = rf"{_WEEKDAY}(?:\d{{4}} +)?(?:{_MONTH} *\d{{1,2}}日?|\d{{1,2}}\.? +{_MONTH})(?: +\d{{4}})?"
_PRIORITY = re.compile(r"<\d{1,3}>(?P<version>1 (?=\d{4}-|- ))?")
_LEVEL = re.compile(r"(?:kern|user|mail|daemon|auth|syslog|lpr|news|uucp|cron|authpriv|ftp|res\d+|local\d) *:"
                    r"(?:emerg|alert|crit|err|warn|notice|info|debug) *: ?")
_KMSG = re.compile(r"\d{1,3},\d{1,20},(?P<micro>\d{1,20}),[^;]{0,100}?(?:caller=(?P<caller>[TC]\d+))?;")
_BOOT = re.compile(r"\[\s{0,12}(?P<boot>\d{1,10}\.\d{1,9})(?:[ ,@<][^\]]{0,30})?\] ?")
_BARE_BOOT = re.compile(r"(?P<boot>\d{1,10}\.\d{6})\] ?")  # a copy that began behind the bracket
_DELTA = re.compile(r"\[\s{0,8}[+<] {0,8}\d{1,8}\.\d{6}>?\] ?")
_CALLER = re.compile(r"\[\s{0,8}(?P<caller>[TC]\d{1,9})\] ?")
_CTIME = re.compile(r"\[(?P<date>[^\]\[]{3,48}? \d{1,2}:\d\d:\d\d(?:[.,]\d{1,9})?(?: +\d{4})?)(?: +<[^>]{0,20}>)?\] ?")
_RELTIME = re.compile(rf"\[(?P<date>{_MONTH} ?\d{{1,2}} \d\d:\d\d)\] ?")
_DAY = r"(?:\d{4}[-/]\d\d[-/]\d\d|\d\d[/.]\d\d[/.]\d{4})"
_ISO = re.compile(rf"\[?(?:[^\W\d_]{{2,4}}\.? )?(?P<date>{_DAY}[T ]\d\d:\d\d:\d\d(?:(?P<comma>,\d{{1,9}})|\.\d{{1,9}})?"
                  r"(?: ?Z| UTC\b| ?[+-]\d\d:?\d\d)?)(?: [A-Z]{3,5}(?= \S+ kernel:))?\]?(?=[\s:]|$):? ?")
_SYSLOG = re.compile(rf"(?P<date>{_DATE} +{_CLOCK}(?: +\d{{4}})?)(?: [A-Z]{{3,4}}(?= ))?(?=[\s:]|$):? ?")
_UNIX = re.compile(r"(?P<unix>\d{9,10}\.\d{6}) (?=\S+ \S+: )")
_CRI = re.compile(r"(?:stdout|stderr) [FP] ")
_KERNEL = re.compile(r"(?:(?P<host>[^\s\[]{1,255}) )?(?:[\w-]+\.[\w-]+ )?kernel(?:\[\d+\])?: ?")
_TAG = re.compile(r"(?:(?P<host>[^\s\[]{1,255}) )(?:[\w-]+\.[\w-]+ )?(?P<tag>[\w./@+-]{1,64})(?:\[\d{1,10}\])?: ?")
_LONE_TAG = re.compile(r"(?P<tag>[\w./@+-]{1,64})\[\d{1,10}\]: ?")
_KILLER = re.compile(r"(?:(?P<host>[^\s\[]{1,255}) )?(?P<tag>systemd-oomd|earlyoom|nohang(?:-desktop)?)"
                     r"(?:\[\d{1,10}\])?: ?")
_RFC5424 = re.compile(r"(?P<host>\S{1,255}) (?P<tag>\S{1,48}) \S{1,128} \S{1,32} (?:-|\[.*?\])(?: \ufeff?|$)")
_GREP = re.compile(r"(?:[\w.+-]*/[\w./+-]{1,250}[:-]|(?:messages|syslog|kern|dmesg|[\w-]+\.log)[\w.-]{0,60}[:-])?"
                   r"(?:\d{1,9}[:-]?[ \t]*)?")
# Behind what a console, a relay or a shipper wrote that has no form we know.
_INSIDE = (re.compile(r".{1,120}?\[\s{0,12}(?P<boot>\d{1,10}\.\d{6})\](?:\[\s{0,8}(?P<caller>[TC]\d+)\])? "),
           re.compile(r".{1,100}?\bkernel(?:\[\d+\])?: ?"))
_USUAL = re.compile(r"(?:\[ {0,12}(?P<boot>\d{1,10}\.\d{6})\](?:\[ {0,8}(?P<caller>[TC]\d{1,9})\])? "
                    r"|(?P<date>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) (?P<host>[\w.-]{1,255}) kernel: "
                    r"(?:\[ {0,12}(?P<boot_of_date>\d{1,10}\.\d{6})\] )?)(?=[^\[>`|&<\"']|\[ *\d|\[<?[0-9a-f]{8})")
_FRAME_ENDS = frozenset("=`|>\"'\\,│┃")
_NO_KINDS = (None, "invoker", "cpuset", "failed", "slab")  # nothing we know, or what begins with any name
_BRACKETED = (_BOOT, _CALLER, _CTIME, _DELTA, _RELTIME, _ISO)
_NUMBERED = (_KMSG, _ISO, _SYSLOG, _UNIX, _BARE_BOOT)
_WORDED = (_LEVEL, _SYSLOG, _ISO, _CRI)
_CONTINUED = re.compile(r" [A-Z]+=")


def text_of(raw: bytes) -> str:
    """The bytes as text; what is no UTF-8 stays visible as ``\\xe9``, which is how the kernel writes it, too."""
    text = raw.decode("utf-8", "backslashreplace").replace("\xc2\xa0", " ").replace("\xa0", " ").replace("\x00", "")
    text = text.lstrip("\ufeff")
    return _COLOUR.sub("", text) if "\x1b" in text or "#033" in text else text


def lines_of(number: int, text: str, like: Line | None = None) -> list[Line]:
    """The lines of a physical line: one, or several where a program wrote the line feeds as ``#012`` or ``\\x0a``.
    ``like`` gives what a record around the text has said already."""
    if like is None and _CONTINUED.match(text):
        return []  # a further line of a /dev/kmsg record
    first, *others = _LINE_FEED.split(text) if "#012" in text or "\\x0a" in text or "\n" in text else [text]
    line = _stripped(number, first, len(text), like)
    if line.tag not in ("", "kernel") and not line.caller and line.boot is None:
        others = []
    rest = [Line(number, other.strip(), line.stamp, line.boot, line.host, line.tag, line.caller, True, len(other))
            for other in others]
    return [line, *rest]


def _stripped(number: int, text: str, length: int, like: Line | None) -> Line:
    if like is None and (usual := _usual(number, text, length)):
        return usual
    text = without_frame(text.replace("\t", " "))
    line = Line(number, text.rstrip(), length=length) if like is None else Line(
        number, text.rstrip(), like.stamp, like.boot, like.host, like.tag, like.caller, True, length)
    _take_off_heads(line)
    if not line.tag and line.boot is None and kind_of(line.text) in _NO_KINDS:
        _take_off_garbage(line)
        if kind_of(line.text) in _NO_KINDS:
            line.text = without_unknown(line.text)
    if repeated := _REPEATED.match(line.text):
        line.text = repeated[1]
        _take_off_heads(line)
    if "\\x" in line.text and line.tag in ("", "kernel"):
        line.text = _ESCAPE.sub(_printable, line.text)
    line.text = line.text.strip()
    return line


def _usual(number: int, text: str, length: int) -> Line | None:
    """The two forms that most logs have, dmesg's and syslog's, in one step; only where it is sure."""
    found = _USUAL.match(text)
    if found is None or "\\x" in text or "\t" in text or "=3D" in text or text[-1] in _FRAME_ENDS:
        return None
    bare = text[found.end():].strip()
    if kind_of(bare) is None or (found["boot"] and " kernel: " in bare):
        return None
    line = Line(number, bare, length=length, prefixed=True)
    date, boot = found["date"], found["boot"] or found["boot_of_date"]
    if boot:
        line.boot = float(boot)
    if date:
        line.host, line.tag = found["host"], "kernel"
    line.stamp = calendar_stamp(date) if date else boot_stamp(boot)
    line.caller = found["caller"] or ""
    return line


def _take_off_garbage(line: Line) -> None:
    for inside in _INSIDE:
        if (found := inside.match(line.text)) and kind_of(line.text[found.end():].lstrip()) is not None:
            _apply(line, found)
            _take_off_heads(line)
            return


def _printable(escape: re.Match[str]) -> str:
    number = int(escape[1], 16)
    return chr(number) if 32 <= number < 127 else escape[0]


def _take_off_heads(line: Line) -> None:
    named = bool(line.tag)
    for turn in range(_PAGES):
        if line.text[:1] in _QUOTES and (quote := _QUOTE.match(line.text)):
            line.text = line.text[quote.end():]
        # What follows the kernel's own time is the kernel's text.
        found = _head(line.text) if line.boot is None else _CALLER.match(line.text)
        if found is None and turn == 0:
            found = _behind_a_mark(line)
        if found:
            comma = found.re is _ISO and found["comma"]
            version = found.re is _PRIORITY and found["version"]
            _apply(line, found)
            if version:
                named = _take_off_rfc5424(line) or named
            elif not named and not comma and found.re in (_ISO, _SYSLOG, _UNIX):
                named = _take_off_tag(line)
        elif not named and line.boot is not None and (found := _KILLER.match(line.text)):
            line.tag = found["tag"]
            _apply(line, found)
            return
        elif not named and (found := _KERNEL.match(line.text)) and (found["host"] or line.boot is None):
            named = True
            line.tag = "kernel"
            _apply(line, found)
        else:
            return


def _behind_a_mark(line: Line) -> re.Match[str] | None:
    """The head behind a file's name or a number, as grep and lists have them, which are then taken off."""
    for rest in (without_mark(line.text), line.text[grep.end():] if (grep := _GREP.match(line.text)) else ""):
        if len(rest) < len(line.text) and ((found := _head(rest)) or rest.startswith("kernel: ")):
            line.text = rest
            return found
    return None


def _head(text: str) -> re.Match[str] | None:
    first = text[:1]
    if first == "<":
        return _PRIORITY.match(text)
    heads = _BRACKETED if first == "[" else _NUMBERED if first.isdecimal() else _WORDED
    return next((found for head in heads if (found := head.match(text))), None)


def _take_off_tag(line: Line) -> bool:
    """``host program[pid]: `` behind a date."""
    if found := _KERNEL.match(line.text):
        line.tag = "kernel"
        _apply(line, found)
        return True
    if looks_like_report(line.text):
        return False
    if found := _TAG.match(line.text) or _LONE_TAG.match(line.text):
        line.tag = found["tag"].rpartition("/")[2] or found["tag"]
        _apply(line, found)
        return True
    return False


def _take_off_rfc5424(line: Line) -> bool:
    if not (date := _ISO.match(line.text)):
        return False
    _apply(line, date)
    if not (found := _RFC5424.match(line.text)):
        return False
    line.tag = found["tag"]
    _apply(line, found)
    return True


def _apply(line: Line, found: re.Match[str]) -> None:
    """The words of a prefix; the outermost time is the line's time."""
    line.text = line.text[found.end():]
    line.prefixed = True
    words = found.groupdict()
    if boot := words.get("boot"):
        line.boot = float(boot)
        line.stamp = line.stamp or boot_stamp(boot)
    if micro := words.get("micro"):
        line.boot = float(micro) / 1e6
        line.stamp = line.stamp or microseconds_stamp(micro)
    if unix := words.get("unix"):
        line.stamp = line.stamp or unix_stamp(unix)
    if date := words.get("date"):
        line.stamp = line.stamp or calendar_stamp(date)
    if caller := words.get("caller"):
        line.caller = caller
    if host := words.get("host"):
        line.host = host
