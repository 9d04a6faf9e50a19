"""Cases, settings and records as the tests of the pure parts need them."""

from __future__ import annotations

from typing import Any

from watchdog_oom.cli.notify.cases import CaseKind, NotifyCase, ToldStage
from watchdog_oom.cli.notify.settings import NotifySettings, NotifyTarget, Want
from watchdog_oom.journal.record import Kind, rfc3339

NOW = 1_800_000_000.0
OPS = NotifyTarget("ops", mail=("ops@example.com",))
PAGER = NotifyTarget("pager", run=("/bin/true",), wants=frozenset({Want.ESCALATIONS}))


def settings(*targets: NotifyTarget, **more: Any) -> NotifySettings:
    return NotifySettings(targets or (OPS,), **more)


def incident(name: str = "x-1.1", **more: Any) -> NotifyCase:
    values: dict[str, Any] = {"opened": NOW, "last": NOW, "rule": "recover.x", "kind": CaseKind.INCIDENT, **more}
    return NotifyCase(name, **values)


def over(name: str = "x-1.1", **more: Any) -> NotifyCase:
    return incident(name, ended=NOW + 5, last=NOW + 5, **more)


def told(stage: ToldStage, target: str = "ops") -> dict[str, ToldStage]:
    return {target: stage}


def record(kind: Kind, *, at: float = NOW, **fields: Any) -> dict[str, Any]:
    """A record with the keys that matter here."""
    return {"v": 1, "seq": 7, "time": rfc3339(at), "kind": kind.value, "incident": None, "rule": None, "step": None,
            "because": [], "ok": None, "result": None, "detail": None, **fields}
