"""What is remembered of what others decide the amount of is bounded (Law 11). Pure."""

from __future__ import annotations

MOST_TOLD = 4096


def newest(told: dict[str, float]) -> dict[str, float]:
    """Others decide how much there is to report, so only the newest keys are remembered (Law 11)."""
    if len(told) <= MOST_TOLD:
        return told
    return dict(sorted(told.items(), key=lambda item: item[1])[-MOST_TOLD:])


def latest(counts: dict[str, int]) -> dict[str, int]:
    """The same for counts of what was not reported: those begun last are kept."""
    return counts if len(counts) <= MOST_TOLD else dict(list(counts.items())[-MOST_TOLD:])
