"""Data: what cures each kind of shortage beside a policy, and old advice that is wrong today."""

from __future__ import annotations

from collections.abc import Mapping

from watchdog_oom.kernel_log.gfp_bits import Version
from watchdog_oom.kernel_log.shortage import Short
from watchdog_oom.lean_dataclasses import dataclass

REMEDIES: Mapping[Short, tuple[str, ...]] = {
    Short.RAM_AND_SWAP: (
        "more swap only delays what grows without end; bound who grows, and keep swap for what is rarely used",
        "vm.swappiness is no cure: with swap full it changes nothing"),
    Short.RAM_NO_SWAP: (
        ("some swap (a file of a quarter of RAM, or zram) lets the kernel put away what nobody uses, and gives a "
        "watchdog time to act"),),
    Short.CGROUP_LIMIT: (
        ("raise the limit (MemoryMax=, docker --memory, resources.limits.memory), or lower what the service may take; "
        "MemoryHigh= below it makes the group wait instead of die"),
        "memory.oom.group (OOMPolicy=kill) ends the whole group at once, so that nothing is left half dead"),
    Short.LOWMEM: (
        "a 64-bit kernel has no low memory: it is the cure, also with a 32-bit user space",
        ("vm.lowmem_reserve_ratio keeps more of low memory for the kernel; more RAM makes it worse, since the kernel "
        "keeps a record of each page in low memory")),
    Short.FRAGMENTATION: (
        ("vm.min_free_kbytes (1 to 3 % of RAM) keeps more blocks free; vm.compaction_proactiveness (since 5.9) makes "
        "larger ones in the background"),
        "smaller buffers or jumbo frames of the driver that asks for such blocks"),
    Short.CMA: ("make CMA's area smaller (the boot parameter cma=, or reserved-memory in the device tree)",),
    Short.KERNEL_MEMORY: (
        ("killing processes does not help: look with slabtop (or /proc/slabinfo) at what grows; it is a leak to "
        "report, or a cache (dentries, inodes) that vm.vfs_cache_pressure above 100 keeps smaller"),),
    Short.HUGEPAGES: ("set aside fewer huge pages (vm.nr_hugepages, the boot parameter hugepages=)",),
    Short.UNACCOUNTED: (
        ("killing processes does not help: ask the balloon of the virtual machine (virtio_balloon, vmware), ZFS's ARC "
        "(zfs_arc_max), the graphics and network drivers; CONFIG_PAGE_OWNER (page_owner=on) tells who has each page"),),
    Short.NODE: (
        ("give the cpuset (cpuset.mems, AllowedMemoryNodes=) or the memory policy (numactl) more nodes, with a zone "
        "Normal among them; numactl --preferred in place of --membind lets it go elsewhere"),),
    Short.PRESSURE: ("the killer's own limits decide: oomd.conf and ManagedOOM… of the unit, earlyoom's -m and -s",),
    Short.NOTHING: (),
    Short.NOT_TO_BE_TOLD: (
        ("keep the whole report next time: journalctl -k, or the kernel's log without rate limiting; "
        "vm.oom_dump_tasks = 1 adds the list of processes"),),
}


@dataclass(frozen=True, slots=True)
class OldAdvice:
    """Advice that is still found everywhere. ``for_kinds`` empty: for every shortage; ``until``: named only for events
    of kernels before that, or of unknown ones."""

    name: str
    words: str
    for_kinds: tuple[Short, ...] = ()
    until: Version | None = None


_RAM = (Short.RAM_AND_SWAP, Short.RAM_NO_SWAP)
OLD_ADVICE: tuple[OldAdvice, ...] = (
    OldAdvice("vm.oom-kill = 0", "was only ever in some distributions' 2.4 and 2.6 kernels, where it made the host "
              "hang instead of killing; it is gone since long and changes nothing. Protect what must live (protect, or "
              "OOMScoreAdjust=) and bound what grows (limit, MemoryMax=)", (*_RAM, Short.LOWMEM, Short.NOT_TO_BE_TOLD)),
    OldAdvice("oom_adj", "was replaced by oom_score_adj (−1000 to 1000) in 2.6.36 and removed in 3.7: −17 is −1000 now",
              until=(3, 7, 0)),
    OldAdvice("vm.lower_zone_protection", "was replaced by vm.lowmem_reserve_ratio in 2.6.10", (Short.LOWMEM,)),
    OldAdvice("vm.swappiness = 0", "does not switch swap off and does not prevent this: since 3.5 the kernel then "
              "swaps only when it is nearly too late", _RAM),
    OldAdvice("echo 3 > /proc/sys/vm/drop_caches", "frees what the kernel would have taken back by itself before it "
              "killed; from cron it only makes the host slow", _RAM),
    OldAdvice("vm.overcommit_memory = 2", "makes programs fail where they do not expect it, while memory is free; it "
              "bounds promises, not memory", (Short.RAM_AND_SWAP,)),
)
