"""From chunks of bytes to lines: fast over what cannot belong to a report, and never more than a piece in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

_LINE_BYTES = 65536  # what is longer is cut: no line of a report is
_CONTEXT_BYTES = 32768  # before a marker: a table of tasks whose head is cut, the fields of a record of a journal
_ATTENTION_LINES = 400
_JUDGED_BYTES = 65536

# One of these is in, or shortly after, the first line of every report, and in every line that can stand alone.
_MARKERS = (b"oom-kill", b"ill process", b"illed process", b"illing process", b"killable proc", b"OOM exec",
            b"panic_on_oom", b"deadlocked on mem", b"as a result of lim", b"otal_vm", b"em-info", b"em-Info",
            b"lowmem_reserve", b"all_unreclaimable", b" pages RAM", b"pages of RAM", b"slab info:", b"oom_reaper",
            b"cgroup stats", b": usage ", b"Linux version ", b"location fail", b"to process ", b"due to memory",
            b"cgroup out of memory", b"wap free: ", b"SwapFree [", b"freepages:")
_PACKED = {b"\x1f\x8b": "gzip, use zcat", b"\xfd7zXZ": "xz, use xzcat", b"BZh": "bzip2, use bzcat",
           b"\x28\xb5\x2f\xfd": "zstd, use zstdcat", b"PK\x03\x04": "a zip archive", b"\x7fELF": "a program or a core",
           b"LPKSHHRH": "a journal file, use journalctl --file FILE -k", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16",
           b"SQLite format": "a database"}
_CONTROL = bytes(number for number in range(32) if number not in b"\t\n\r\x0b\x0c\x1b")


class NotALogError(ValueError):
    """The input is no text with lines; the message says what it looks like."""


class Source:
    """Yields ``(number, line)``, numbers from 1, lines without their end.

    Lines far from any marker are only counted. ``attend()`` asks for the following lines, whatever they hold.
    """

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks
        self._attention = 0
        self._number = 0  # of the last line that is behind
        self._before = b""  # the last skipped lines
        self._absent: set[bytes] = set()  # markers that the rest of the block has not

    def attend(self) -> None:
        """A line of a report was seen: what follows is wanted."""
        self._attention = _ATTENTION_LINES

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        rest = b""
        dropping = False
        for chunk in _judged(self._chunks):
            if dropping:
                end = chunk.find(b"\n")
                if end < 0:
                    continue
                chunk, dropping = chunk[end:], False
            block = rest + chunk
            end = block.rfind(b"\n") + 1
            block, rest = block[:end], block[end:]
            yield from self._lines(block)
            if len(rest) > _LINE_BYTES:
                rest, dropping = rest[:_LINE_BYTES], True
        if rest:
            yield from self._lines(rest + b"\n")

    def _lines(self, block: bytes) -> Iterator[tuple[int, bytes]]:
        self._absent.clear()
        position = 0
        while position < len(block):
            if self._attention <= 0:
                marker = self._next_marker(block, position)
                if marker < 0:
                    self._skip(block, position, len(block))
                    return
                self.attend()
                start = block.rfind(b"\n", 0, max(position, marker - _CONTEXT_BYTES)) + 1
                start = max(start, position)
                if start > position:
                    self._skip(block, position, start)
                if marker - start < _CONTEXT_BYTES:
                    yield from self._skipped()
                position = start
            end = block.find(b"\n", position)
            self._number += 1
            self._attention -= 1
            yield self._number, block[position:min(end, position + _LINE_BYTES)]
            position = end + 1
        self._before = b""

    def _skip(self, block: bytes, start: int, end: int) -> None:
        self._number += block.count(b"\n", start, end)
        self._before = (self._before + block[max(start, end - _CONTEXT_BYTES):end])[-_CONTEXT_BYTES:]

    def _skipped(self) -> Iterator[tuple[int, bytes]]:
        """The lines just skipped, given after all: a marker follows."""
        lines = self._before.split(b"\n")[:-1]
        if len(self._before) >= _CONTEXT_BYTES:
            lines = lines[1:]  # cut in the middle
        self._before = b""
        for index, line in enumerate(lines):
            yield self._number - len(lines) + 1 + index, line

    def _next_marker(self, block: bytes, position: int) -> int:
        first = len(block)
        for marker in _MARKERS:
            if marker not in self._absent:
                found = block.find(marker, position, first + len(marker))
                if found >= 0:
                    first = min(first, found)
                elif first == len(block):
                    self._absent.add(marker)
        return first if first < len(block) else -1


def _judged(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks again, unless the first of them are no text (raises NotALogError)."""
    head = b""
    judged = False
    for chunk in chunks:
        if judged:
            yield chunk
            continue
        head += chunk
        if len(head) >= _JUDGED_BYTES:
            _judge(head)
            judged = True
            yield head
            head = b""
    if head:
        _judge(head)
        yield head


def _judge(head: bytes) -> None:
    for magic, words in _PACKED.items():
        if head.startswith(magic):
            raise NotALogError(f"this is not a text log ({words})")
    sample = head[:_JUDGED_BYTES]
    control = len(sample) - len(sample.translate(None, _CONTROL))
    if control > len(sample) // 20:
        raise NotALogError("this is not a text log (binary data)")
    if len(sample) >= _JUDGED_BYTES and b"\n" not in head:
        raise NotALogError("this is not a text log (no line ends in its first 64 KiB)")
