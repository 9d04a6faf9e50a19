"""A unit's properties over D-Bus as a state and in words. Pure; for the names see org.freedesktop.systemd1(5)."""

from __future__ import annotations

from collections.abc import Mapping

from watchdog_oom.core.model import ServiceState, ServiceStatus
from watchdog_oom.core.unit_name import full_name
from watchdog_oom.host.services.program_words import one_line
from watchdog_oom.host.services.systemd.systemctl import judged_properties
from watchdog_oom.lean_typing import Any

Properties = Mapping[str, Any]

UNIT_PATH = "/org/freedesktop/systemd1/unit/"
FOREVER_SECONDS = 900.0
MARGIN_SECONDS = 15.0
NOT_KNOWN = 2**64 - 1
_JUDGED = ("Id", "LoadState", "ActiveState", "SubState", "Result", "UnitFileState")
_RESULTS = {
    "canceled": "canceled: another request to systemd replaced it",
    "timeout": "the job timed out",
    "failed": "",
    "dependency": "a unit that it needs could not be started",
    "skipped": "skipped: there was nothing to do",
    "invalid": "the unit cannot do that",
    "assert": "an assertion of its unit is not met",
    "unsupported": "this host does not support such a unit",
    "collected": "the unit was unloaded meanwhile",
    "once": "it runs only once per boot",
}
_REFUSALS = {
    "org.freedesktop.systemd1.NoSuchUnit": "there is no such unit",
    "org.freedesktop.systemd1.UnitMasked": "the unit is masked; only the operator can unmask it",
    "org.freedesktop.systemd1.TransactionIsDestructive":
        "another job for it is queued, perhaps the operator's, and is not reversed",
    "org.freedesktop.systemd1.ShuttingDown": "the host is shutting down",
    "org.freedesktop.DBus.Error.AccessDenied": "not permitted",
    "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired": "not permitted",
}


def unit_path(unit: str) -> str:
    """The object path of a unit, by any of its names: systemd loads the unit when the path is used."""
    escaped = "".join(char if char.isascii() and char.isalnum() and (index or not char.isdigit())
                      else f"_{ord(char):02x}" for index, char in enumerate(full_name(unit)))
    return UNIT_PATH + (escaped or "_")


def properties_of(body: tuple[Any, ...]) -> Properties | None:
    """The values from the answer to GetAll; ``None`` if the answer has another form."""
    if len(body) != 1 or not isinstance(body[0], dict):
        return None
    pairs = body[0].items()
    if not all(isinstance(key, str) and isinstance(value, tuple) and len(value) == 2 for key, value in pairs):
        return None
    return {key: value[1] for key, value in pairs}


def to_state(unit: str, properties: Properties, boottime: float) -> ServiceState:
    """The state of a unit queried as ``unit``, which may be an alias; ``boottime`` is when it was queried."""
    plain = {key: _text(properties, key) for key in _JUDGED}
    if not plain["ActiveState"]:
        return ServiceState(unit, ServiceStatus.UNKNOWN, boottime, words="systemd does not report its state")
    status, words = judged_properties({**plain, "NRestarts": str(_number(properties, "NRestarts") or 0)})
    triggers = _names(properties, "TriggeredBy")
    if status is ServiceStatus.INACTIVE:
        unmet = unmet_conditions(properties) if properties.get("ConditionTimestamp") else ""
        words += f", {unmet}" if unmet else ""
        words += f", started by {', '.join(triggers)}" if triggers else ""
    if plain["Id"] and plain["Id"] != full_name(unit):
        words += f", is {one_line(plain['Id'])}"
    return ServiceState(
        unit, status, boottime, _number(properties, "MainPID") or 0, words,
        memory_high_bytes=_bound(properties, "MemoryHigh"), memory_max_bytes=_bound(properties, "MemoryMax"),
        result=_text(properties, "Result"), restarts=_number(properties, "NRestarts") or 0,
        invocation=_invocation(properties), memory_current_bytes=_number(properties, "MemoryCurrent"),
        control_group=_text(properties, "ControlGroup"),
        start_seconds=deadline_seconds(properties.get("TimeoutStartUSec")),
        stop_seconds=deadline_seconds(properties.get("TimeoutStopUSec")), triggered_by=triggers)


def deadline_seconds(timeout_us: object) -> float | None:
    """How long a job of a unit with that timeout may take, with a margin for systemd's own work.

    0 and infinity mean "no timeout" to systemd, and 15 min here. ``None`` if the unit has no such timeout.
    """
    if not isinstance(timeout_us, int) or isinstance(timeout_us, bool):
        return None
    if not 0 < timeout_us < NOT_KNOWN:
        return FOREVER_SECONDS
    return timeout_us / 1_000_000 + MARGIN_SECONDS


def unmet_conditions(properties: Properties) -> str:
    """Which condition keeps systemd from starting the unit, in words; empty if none is known.

    The fields of a condition are its type, whether it is a trigger, whether it is negated, its parameter, and its
    state: negative if it is not met, 0 if it was not checked or the unit was unloaded since.
    """
    if properties.get("ConditionResult") is not False:
        return ""
    conditions = [entry for entry in _list(properties, "Conditions") if isinstance(entry, tuple) and len(entry) == 5]
    unmet = [entry for entry in conditions if isinstance(entry[4], int) and entry[4] < 0] or conditions
    told = ", ".join(f"{entry[0]}={'!' if entry[2] else ''}{entry[3]}" for entry in unmet)
    return one_line(f"a condition of its unit is not met: {told}") if told else ""


def refused_by_start_limit(before: Properties | None, after: Properties) -> bool:
    """Whether a start failed only because of the start limit, which refuses an operator's start as well.

    systemd reports it in ``Result`` only if no other failure is stored there; but a refused start, unlike a failed one,
    never began: the invocation is still the previous one.
    """
    if _text(after, "Result") == "start-limit-hit":
        return True
    limited = bool(_number(after, "StartLimitBurst")) and bool(_number(after, "StartLimitIntervalUSec"))
    if before is None or not limited or _text(after, "ActiveState") != "failed":
        return False
    return _text(before, "ActiveState") == "failed" and _invocation(before) == _invocation(after) != ""


def judge(verb: str, result: str, after: Properties | None) -> tuple[bool, str]:
    """Whether a job that ended succeeded, and its result in words; ``result`` is empty if its end was not seen."""
    state = to_state(_text(after, "Id"), after, 0.0) if after is not None else None
    status = state.status if state is not None else ServiceStatus.UNKNOWN
    now = f"; it is {state.words}" if state is not None and status is not ServiceStatus.UNKNOWN else ""
    if result == "done" and verb == "start":
        return _judge_started(status, after or {}, now)
    if result == "done":
        triggers = _names(after or {}, "TriggeredBy")
        return True, f"{verb} done" + (f"; {', '.join(triggers)} may start it again" if triggers else "")
    if result:
        why = _RESULTS.get(result, one_line(result))
        return False, f"{verb} failed{': ' if why else ''}{why}{now}"
    reached = (ServiceStatus.ACTIVE,) if verb == "start" else (ServiceStatus.INACTIVE, ServiceStatus.FAILED)
    return status in reached, f"the end of the {verb} was not seen{now}"


def refusal(verb: str, name: str, text: str) -> str:
    """A call that systemd refused, in words."""
    known = _REFUSALS.get(name)
    return f"{verb} refused: {known or one_line(text) or one_line(name)}"


def control_group_of(properties: Properties) -> str:
    """The path of the unit's control group: as reported while it has one, else where its slice would have put it."""
    told, slice_name, name = (_text(properties, key) for key in ("ControlGroup", "Slice", "Id"))
    if told or not name or not slice_name.endswith(".slice"):
        return told
    if slice_name == "-.slice":
        return f"/{name}"
    parts = slice_name.removesuffix(".slice").split("-")
    slices = [f"{'-'.join(parts[:count])}.slice" for count in range(1, len(parts) + 1)]
    return "/" + "/".join([*slices, name])


def _judge_started(status: ServiceStatus, after: Properties, now: str) -> tuple[bool, str]:
    """To systemd a start is also done if a condition kept the unit from being started."""
    if status is not ServiceStatus.INACTIVE or _text(after, "Type") == "oneshot":
        return True, "start done"
    unmet = unmet_conditions(after)
    return False, f"start done, but {unmet}" if unmet else f"start done, but it does not run{now}"


def _text(properties: Properties, key: str) -> str:
    value = properties.get(key)
    return value if isinstance(value, str) else ""


def _number(properties: Properties, key: str) -> int | None:
    """A number, if known: systemd reports the greatest 64-bit number for unknown values."""
    value = properties.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < NOT_KNOWN else None


def _bound(properties: Properties, key: str) -> int | None:
    """A memory bound; the greatest 64-bit number means no bound."""
    value = properties.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= NOT_KNOWN else None


def _list(properties: Properties, key: str) -> list[Any]:
    value = properties.get(key)
    return value if isinstance(value, list) else []


def _names(properties: Properties, key: str) -> tuple[str, ...]:
    return tuple(one_line(name) for name in _list(properties, key) if isinstance(name, str))


def _invocation(properties: Properties) -> str:
    value = properties.get("InvocationID")
    return value.hex() if isinstance(value, bytes) else ""
