"""Records as the daemon's journal has them, and samples as Prometheus' own parser reads them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

from prometheus_client.parser import text_string_to_metric_families

from watchdog_oom.journal.record import ChainPlace, Kind, Moment, Record, format_line

BOOT = "6f0c1f0e-0000-4000-8000-000000000001"
Samples: TypeAlias = dict[tuple[str, frozenset[tuple[str, str]]], float]


def lines_of(records: Iterable[Record], *, boot: str = BOOT, dropped: int = 0) -> list[bytes]:
    return [format_line(record, ChainPlace(number, b"0" * 64, dropped), Moment(1e9 + number, float(number)), boot)
            for number, record in enumerate(records, 1)]


def write_journal(directory: Path, records: Iterable[Record], *, boot: str = BOOT) -> None:
    directory.mkdir(mode=0o700, exist_ok=True)
    with (directory / "audit.jsonl").open("ab") as file:
        file.write(b"".join(line + b"\n" for line in lines_of(records, boot=boot)))


def samples_of(text: str) -> Samples:
    """Every sample by its name and labels, as Prometheus' own parser reads them."""
    return {(sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text) for sample in family.samples}


def value_of(text: str, name: str, **labels: str) -> float | None:
    return samples_of(text).get((f"watchdog_oom_{name}", frozenset(labels.items())))


def outcome(rule: str, ok: bool | None, *, target: Mapping[str, object] | None = None,
            took: float | None = 0.1, step: str = "KILL clamscan[71]") -> Record:
    return Record(Kind.OUTCOME, None, rule, step, target, ok=ok, took_seconds=took, id="i-1")
