"""One sample of a recording: a snapshot, why it was recorded, and what was read besides."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from watchdog_oom.core.model import Snapshot
from watchdog_oom.lean_dataclasses import dataclass, field

VERSION = 1  # of the format; in every keyframe


class SampleKind(StrEnum):
    """Why a sample was recorded: by the clock; every tick near a threshold; one of the ticks before something opened;
    right before an act."""

    CALM = "calm"
    NEAR = "near"
    RING = "ring"
    BEFORE = "before"


@dataclass(frozen=True, slots=True)
class Sample:
    """``keyframe``: it stands for itself, all others for changes. ``dropped`` is how many samples were lost right
    before it. ``about`` are texts about the recording, of the keyframe: the host's name, the program's version.

    ``extra`` are texts that were read at ``read_boottime``, by name: the kernel's report, meminfo, files of the largest
    processes. Such a sample is no new reading: its ``snapshot`` is that of the sample before it once more.
    """

    snapshot: Snapshot
    kind: SampleKind
    keyframe: bool = False
    dropped: int = 0
    about: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, str] = field(default_factory=dict)
    read_boottime: float | None = None

    @property
    def repeated(self) -> bool:
        """Whether the snapshot was handed out before: whoever replays leaves it out."""
        return self.read_boottime is not None
