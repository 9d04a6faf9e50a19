"""What stands around each line of a log that was pasted or exported: list marks, line numbers, CSV, JSON, HTML."""

from __future__ import annotations

import re

from watchdog_oom.kernel_log.kinds import kind_of

_TAG = re.compile(r"</?(?:p|br|li|ul|ol|pre|code|div|span|td|tr|tbody|table|b|i|em|strong|tt|font|blockquote|samp)"
                  r"(?: [^<>]{0,200})?/?>")
_ENTITY = re.compile(r"&(lt|gt|amp|quot|apos|nbsp|#39|#34|#x27);")
_ENTITIES = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'", "nbsp": " ", "#39": "'", "#34": '"',
             "#x27": "'"}
_FIELD = re.compile(r'"((?:[^"\\]|""|\\.)*)"(?=\s*(?:[,;)\]]|$))|([^",;]+)(?=[,;]|$)')
_CSV = re.compile(r'\s*(?:[^"]{0,120}[,;(\[]\s*)?"(?:[^"\\]|""|\\.)+"\s*(?:[,;)\]].*)?$')
_LITERAL = re.compile(r"""\s*(?:[rbfu]?'(?P<single>(?:[^'\\]|\\.)+)'|"(?P<double>(?:[^"\\]|\\.)+)")\s*[,+;)\\]*$""")
_ESCAPED = re.compile(r'\\(["\'\\nrt])')
_ESCAPES = {"n": " ", "r": " ", "t": " "}
_MARK = re.compile(r"\s*(?:[*+#•·-]|//|\d{1,7}[.:)|])[ \t]+(?=\S)|\s*\d{1,7}(?:\t|  +)(?=\S)")
_TICK = re.compile(r"`+\s*$")
_BORDER = re.compile(r"\s+[|│┃]\s*$")


def without_frame(text: str) -> str:
    """The line without tags, quotes and the other fields of its row; list marks stay, they may belong to the line."""
    if "<" in text and ">" in text:
        text = _TAG.sub("", text)
    if "&" in text:
        text = _ENTITY.sub(lambda found: _ENTITIES[found[1]], text)
    if '"' in text or "'" in text:
        text = _unquoted(text)
    if "=3D" in text or text.endswith("=20"):
        text = text.removesuffix("=20").replace("=3D", "=")  # a mail as it was sent
    if text.endswith(("`", "|", "│", "┃")):
        text = _BORDER.sub("", _TICK.sub("", text))
    return text


def without_mark(text: str) -> str:
    """Without a list mark or a line number in front; the same text if there is none."""
    found = _MARK.match(text)
    return text[found.end():] if found else text


def _unquoted(text: str) -> str:
    literal = _LITERAL.match(text)
    if literal:
        return _ESCAPED.sub(lambda found: _ESCAPES.get(found[1], found[1]), literal["single"] or literal["double"])
    if not _CSV.match(text):
        return text
    fields = [(quoted or plain).replace('""', '"').strip() for quoted, plain in _FIELD.findall(text)]
    wanted = [field for field in fields if kind_of(field) is not None]
    field = max(wanted or fields, key=len, default=text)
    first = fields[0] if fields else ""
    return f"{first} {field}" if field != first and first[:4].isdecimal() and ":" in first else field
