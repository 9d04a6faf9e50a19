"""Series as Prometheus names them, made of numbers and labels; every text becomes a label that can be written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from watchdog_oom.errors import UsageError

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

LABELS = ("rule", "state", "result", "spool", "constraint")  # and no other: what a user may name is no label
PREFIX = "watchdog_oom_"


def require_prometheus() -> None:
    """UsageError that says how to install it, where it is missing."""
    try:
        import prometheus_client  # noqa: F401
    except ImportError:
        raise UsageError("metrics need the library prometheus_client, which is not installed\n"
                         "install it with: apt-get install python3-prometheus-client    or: "
                         "pip install 'watchdog-oom[metrics]'") from None


def gauge(name: str, meaning: str, values: Mapping[Sequence[str], float], labels: Sequence[str] = ()) -> Metric:
    from prometheus_client.core import GaugeMetricFamily
    family = GaugeMetricFamily(f"{PREFIX}{name}", meaning, labels=labels)
    for key, value in values.items():
        family.add_metric(_texts(key), value)
    return family


def counter(name: str, meaning: str, values: Mapping[Sequence[str], float], labels: Sequence[str] = ()) -> Metric:
    """``name`` is without the ``_total`` that a counter ends with."""
    from prometheus_client.core import CounterMetricFamily
    family = CounterMetricFamily(f"{PREFIX}{name}", meaning, labels=labels)
    for key, value in values.items():
        family.add_metric(_texts(key), value)
    return family


def plain_gauge(name: str, meaning: str, value: float) -> Metric:
    return gauge(name, meaning, {(): value})


def plain_counter(name: str, meaning: str, value: float) -> Metric:
    return counter(name, meaning, {(): value})


def by_one(values: Mapping[str, float]) -> dict[Sequence[str], float]:
    """Values by one label, as they are by several."""
    return {(key,): value for key, value in values.items()}


def _texts(key: Iterable[str]) -> list[str]:
    """A surrogate, which stands for a byte that was no UTF-8, cannot be written as such."""
    return [text.encode("utf-8", "backslashreplace").decode("utf-8") for text in key]
