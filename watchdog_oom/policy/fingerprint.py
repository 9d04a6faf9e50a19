"""A digest of what a recovery means: its own values and those of every noun it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from watchdog_oom.lean_typing import Any
from watchdog_oom.sha256 import sha256

_NOUNS = ("process", "spool", "service")


def fingerprint_of(ir: Mapping[str, Any], name: str) -> str:
    """Of [recover.NAME] in the plain values of a policy; neither comments nor the order of keys matter."""
    named: dict[tuple[str, str], Any] = {}
    waiting: list[Any] = [ir["recover"][name]]
    while waiting:
        for text in _texts(waiting.pop()):
            for kind in _NOUNS:
                noun = ir.get(kind, {}).get(text)
                if noun is not None and (kind, text) not in named:
                    named[kind, text] = noun
                    waiting.append(noun)
    meaning = repr((_sorted(ir["recover"][name]), _sorted(named)))
    return sha256(meaning.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, tuple):
        for part in value:
            yield from _texts(part)


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return sorted((key, _sorted(part)) for key, part in value.items())
    return [_sorted(part) for part in value] if isinstance(value, tuple) else value
