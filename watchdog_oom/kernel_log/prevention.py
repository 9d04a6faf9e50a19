"""What would have prevented an event: lines of a policy, the service's own setting, and the host's."""

from __future__ import annotations

from collections.abc import Sequence

from watchdog_oom import formatting
from watchdog_oom.formatting import printable
from watchdog_oom.kernel_log.counted import count
from watchdog_oom.kernel_log.gfp_bits import version_of
from watchdog_oom.kernel_log.holders import Holder, Holders
from watchdog_oom.kernel_log.model import Event
from watchdog_oom.kernel_log.policy_lines import policy_for
from watchdog_oom.kernel_log.remedies import OLD_ADVICE, REMEDIES
from watchdog_oom.kernel_log.service_settings import setting_for
from watchdog_oom.kernel_log.shortage import Short, Shortage, reached_limit
from watchdog_oom.lean_dataclasses import dataclass

NOT_BY_PROCESSES = frozenset({Short.NOTHING, Short.KERNEL_MEMORY, Short.UNACCOUNTED, Short.FRAGMENTATION, Short.CMA,
                              Short.NODE, Short.HUGEPAGES, Short.LOWMEM})
_SHOWN = 2       # holders whose settings are told
_LEAST = 0.1     # of the whole, to be worth a setting
_HALF = 0.5


@dataclass(frozen=True, slots=True)
class Prevention:
    """``policy`` is TOML, empty where no policy would help; ``settings`` and ``host`` are sentences."""

    policy: str
    settings: tuple[str, ...]
    host: tuple[str, ...]


def prevention(event: Event, short: Sequence[Shortage], held: Holders) -> Prevention:
    """What to change so that this does not come again."""
    kinds = [shortage.kind for shortage in short]
    host = tuple(words for kind in kinds for words in REMEDIES[kind])
    if kinds[0] in NOT_BY_PROCESSES:
        return Prevention("", (), host)
    return Prevention(policy_for(event, held), _settings(event, held), host)


def old_advice(event: Event, short: Sequence[Shortage]) -> tuple[str, ...]:
    """Advice that is found for this, and is wrong."""
    kinds = {shortage.kind for shortage in short}
    version = version_of(event.kernel)
    if Short.NOTHING in kinds or event.constraint in ("memcg", "userspace"):
        return ()
    return tuple(f"{old.name} {old.words}" for old in OLD_ADVICE
                 if (not old.for_kinds or kinds & set(old.for_kinds))
                 and (old.until is None or (version is not None and version < old.until)))


def _settings(event: Event, held: Holders) -> tuple[str, ...]:
    groups = [group for group in held.groups[:_SHOWN] if group.share >= _LEAST]
    told = [_setting(event, group) for group in groups]
    if not held.groups:  # without a list of processes the victims are all there is
        told += [_of_victim(comm) for comm in dict.fromkeys(kill.comm for kill in event.kills)]
    return tuple(dict.fromkeys(words for words in told if words))


def _setting(event: Event, group: Holder) -> str:
    setting = setting_for(group.comm)
    if setting is None:
        return ""
    told = f"{setting.service}: {setting.where} — {setting.advice}"
    room = _memory(event)
    one = group.held_bytes // group.count
    if not setting.per_process or group.count < 2 or not room or one <= 0:
        return told
    fit = max(1, int(room * _HALF / one))
    return (f"{told}. Each of the {group.count} {printable(group.comm)} held {formatting.size(one)} on average: "
            f"{fit} of them fit into half of the memory")


def _of_victim(comm: str) -> str:
    setting = setting_for(comm)
    return "" if setting is None else (f"{printable(comm)} was killed, which does not mean that it held the memory; if "
                                       f"it did, {setting.service}: {setting.where} — {setting.advice}")


def _memory(event: Event) -> int:
    """The memory that the event was about: the limit of the control group, or RAM."""
    if event.cgroup is not None and event.constraint == "memcg":
        limit = reached_limit(event.cgroup)
        return limit.limit_bytes if limit is not None else 0
    return count(event).usable_bytes
