"""The page as one JSON document."""

from __future__ import annotations

from typing import Any

from watchdog_oom.report.model import HostPoint, Night, NightIncident

VERSION = 1


def plain_of(night: Night) -> dict[str, Any]:
    """As docs/report.md describes it; times are seconds since the epoch, sizes bytes, ``null`` what is not known."""
    trigger = night.trigger
    return {
        "v": VERSION, "host": night.host, "since": night.span.since, "until": night.span.until, "quiet": night.quiet,
        "headline": night.headline, "troubles": list(night.troubles), "standing": list(night.standing),
        "trigger": None if trigger is None else {"words": trigger.words, "sure": trigger.sure,
                                                 "why": list(trigger.why), "began": trigger.began},
        "advice": [{"words": advice.words, "policy": advice.policy or None, "command": advice.command or None}
                   for advice in night.advice],
        "incidents": [_incident(incident, night.sentences[incident.name or str(number)])
                      for number, incident in enumerate(night.incidents)],
        "worst": None if night.worst is None else _point(night.worst),
        "holders": [{"name": holder.name, "count": holder.count, "held_bytes": holder.held_bytes,
                     "before_bytes": holder.before_bytes, "share_percent": holder.share_percent,
                     "user": holder.facts.user or None, "unit": holder.facts.unit or None}
                    for holder in night.holders],
        "kernel_kills": [{"time": kill.at, "pid": kill.pid, "name": kill.name, "cgroup": kill.in_group,
                          "unit": kill.unit or None, "held_bytes": kill.held_bytes, "source": kill.source}
                         for kill in night.history.kernel_kills],
        "unnamed_kernel_kills": night.history.unnamed_kills,
        "kernel_reports": [{"time": report.at, "words": report.words, "pids": [kill.pid for kill in report.kills]}
                           for report in night.kernel_reports],
        "routine": list(night.routine), "health": list(night.health),
        "idle_rules": None if night.idle_rules is None else list(night.idle_rules), "samples": night.history.samples}


def _incident(incident: NightIncident, sentence: str) -> dict[str, Any]:
    return {
        "incident": incident.name or None, "rule": incident.rule, "opened": incident.opened,
        "closed": incident.closed, "ok": incident.ok, "sentence": sentence, "result": incident.result or None,
        "because": list(incident.because), "only_told": incident.only_told,
        "acts": [{"time": act.at, "step": act.step, "ok": act.ok, "result": act.result or None,
                  "took_s": act.took_seconds} for act in incident.acts],
        "news": [{"time": news.at, "step": news.step or None, "words": news.words, "ok": news.ok}
                 for news in incident.news]}


def _point(point: HostPoint) -> dict[str, Any]:
    return {"time": point.at, "available_bytes": point.available_bytes, "available_percent": point.available_percent,
            "swap_free_bytes": point.swap_free_bytes, "swap_total_bytes": point.swap_total_bytes,
            "full_percent": point.full_percent}
