"""Reports as kernels print them, without any prefix: the messages alone, their numbers made up."""

from __future__ import annotations

GLOBAL_6_1 = """\
indexer invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER_MOVABLE|__GFP_COMP), order=0, oom_score_adj=0
CPU: 1 PID: 4242 Comm: indexer Not tainted 6.1.0-18-amd64 #1  Debian 6.1.76-1
Hardware name: QEMU Standard PC (i440FX + PIIX, 1996), BIOS 1.16.2 04/01/2014
Call Trace:
 <TASK>
 dump_stack_lvl+0x44/0x5c
 dump_header+0x4a/0x211
 oom_kill_process.cold+0xb/0x10
 out_of_memory+0x1fd/0x4c0
 __alloc_pages_slowpath.constprop.0+0xc73/0xe20
 ? __pfx_filemap_fault+0x10/0x10
 asm_exc_page_fault+0x22/0x30
RIP: 0033:0x7f1c2a3b4c5d
Code: Unable to access opcode bytes at 0x7f1c2a3b4c33.
RSP: 002b:00007ffd669d9a10 EFLAGS: 00010246
 </TASK>
Mem-Info:
active_anon:1203 inactive_anon:231077 isolated_anon:0
 active_file:31 inactive_file:77 isolated_file:0
 unevictable:12 dirty:0 writeback:3
 slab_reclaimable:4410 slab_unreclaimable:9120
 mapped:88 shmem:1502 pagetables:2210
 sec_pagetables:0 bounce:0
 kernel_misc_reclaimable:0
 free:2891 free_pcp:61 free_cma:0
Node 0 active_anon:4812kB inactive_anon:924308kB active_file:124kB inactive_file:308kB unevictable:48kB \
isolated(anon):0kB isolated(file):0kB mapped:352kB dirty:0kB writeback:12kB shmem:6008kB shmem_thp: 0kB \
kernel_stack:3120kB pagetables:8840kB sec_pagetables:0kB all_unreclaimable? yes
Node 0 DMA free:4216kB boost:0kB min:736kB low:920kB high:1104kB reserved_highatomic:0KB active_anon:0kB \
inactive_anon:10988kB active_file:0kB inactive_file:0kB unevictable:0kB writepending:0kB present:15992kB \
managed:15360kB mlocked:0kB bounce:0kB free_pcp:0kB local_pcp:0kB free_cma:0kB
lowmem_reserve[]: 0 938 938 938
Node 0 DMA32 free:7348kB boost:2048kB min:7412kB low:8752kB high:10092kB reserved_highatomic:0KB active_anon:4812kB \
inactive_anon:913320kB active_file:124kB inactive_file:308kB unevictable:48kB writepending:12kB present:1032052kB \
managed:977408kB mlocked:48kB bounce:0kB free_pcp:244kB local_pcp:244kB free_cma:0kB
lowmem_reserve[]: 0 0 0 0
Node 0 DMA: 2*4kB (UM) 4*8kB (UM) 1*16kB (M) 2*32kB (UM) 2*64kB (UM) 1*128kB (U) 1*256kB (M) 1*512kB (M) \
1*1024kB (U) 1*2048kB (M) 0*4096kB = 4216kB
Node 0 DMA32: 421*4kB (UME) 210*8kB (UME) 98*16kB (UE) 40*32kB (UE) 18*64kB (E) 0*128kB 0*256kB 0*512kB 0*1024kB \
0*2048kB 0*4096kB = 7364kB
Node 0 hugepages_total=0 hugepages_free=0 hugepages_surp=0 hugepages_size=2048kB
1710 total pagecache pages
97 pages in swap cache
Free swap  = 12kB
Total swap = 524284kB
262011 pages RAM
0 pages HighMem/MovableOnly
13819 pages reserved
0 pages hwpoisoned
Tasks state (memory values in pages):
[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name
[    301]     0   301     6209      140    73728      210          -250 systemd-journal
[    612]   112   612   310220    60110  1257472    41200             0 mariadbd
[   4242]  1000  4242   298711   151020  1822720    80110             0 indexer
[   4300]  1000  4300     1820       90    49152       12             0 tmux: server
oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,\
task_memcg=/user.slice/user-1000.slice/session-4.scope,task=indexer,pid=4242,uid=1000
Out of memory: Killed process 4242 (indexer) total-vm:1194844kB, anon-rss:603980kB, file-rss:100kB, shmem-rss:0kB, \
UID:1000 pgtables:1780kB oom_score_adj:0
oom_reaper: reaped process 4242 (indexer), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB
"""

GROUP_V2_5_15 = """\
worker invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=500
CPU: 3 PID: 9001 Comm: worker Not tainted 5.15.0-91-generic #101-Ubuntu
Call Trace:
 dump_header+0x53/0x228
 oom_kill_process.cold+0xb/0x10
 mem_cgroup_out_of_memory+0x13f/0x160
 try_charge_memcg+0x6cd/0x790
memory: usage 204800kB, limit 204800kB, failcnt 917
swap: usage 0kB, limit 9007199254740988kB, failcnt 0
Memory cgroup stats for /app.slice/queue:
anon 201326592
file 4096
kernel_stack 131072
pagetables 851968
inactive_anon 201011456
slab 2452248
pgfault 88123
Tasks state (memory values in pages):
[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name
[   9001]   991  9001    80210    50110   487424        0           500 worker
[   9002]   991  9002     2210      310    61440        0           500 sh
oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=queue,mems_allowed=0,oom_memcg=/app.slice/queue,\
task_memcg=/app.slice/queue/w1,task=worker,pid=9001,uid=991
Memory cgroup out of memory: Killed process 9001 (worker) total-vm:320840kB, anon-rss:200440kB, file-rss:0kB, \
shmem-rss:0kB, UID:991 pgtables:476kB oom_score_adj:500
Tasks in /app.slice/queue are going to be killed due to memory.oom.group set
Memory cgroup out of memory: Killed process 9001 (worker) total-vm:320840kB, anon-rss:200440kB, file-rss:0kB, \
shmem-rss:0kB, UID:991 pgtables:476kB oom_score_adj:500
Memory cgroup out of memory: Killed process 9002 (sh) total-vm:8840kB, anon-rss:1240kB, file-rss:0kB, \
shmem-rss:0kB, UID:991 pgtables:60kB oom_score_adj:500
"""

GROUP_V1_3_10 = """\
java invoked oom-killer: gfp_mask=0xd0, order=0, oom_score_adj=-998
java cpuset=abc mems_allowed=0-1
CPU: 2 PID: 700 Comm: java Tainted: G        W  OE  ------------ T 3.10.0-957.el7.x86_64 #1
Call Trace:
 [<ffffffff8135d7a1>] dump_header+0x90/0x229
 [<ffffffff810baf36>] oom_kill_process+0x254/0x3d0
 [<ffffffff811b4a1c>] mem_cgroup_oom_synchronize+0x546/0x570
Task in /docker/abc/inner killed as a result of limit of /docker/abc
memory: usage 524288kB, limit 524288kB, failcnt 4011
memory+swap: usage 1048576kB, limit 1048576kB, failcnt 12
kmem: usage 0kB, limit 9007199254740988kB, failcnt 0
Memory cgroup stats for /docker/abc: cache:0KB rss:524KB rss_huge:0KB mapped_file:0KB swap:100KB
Memory cgroup stats for /docker/abc/inner: cache:32KB rss:523764KB rss_huge:370688KB mapped_file:0KB swap:524356KB
[ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj name
[  690]     0   690     2918      120       9       80          -998 sh
[  700]     0   690  5063909   121011    1210   131080          -998 java
Memory cgroup out of memory: Kill process 711 (java) score 0 or sacrifice child
Killed process 700 (java) total-vm:20255636kB, anon-rss:466160kB, file-rss:13684kB, shmem-rss:0kB
"""

LOW_2_6_9 = """\
oom-killer: gfp_mask=0xd0
Mem-info:
DMA per-cpu:
cpu 0 hot: low 2, high 6, batch 1
cpu 0 cold: low 0, high 2, batch 1
Normal per-cpu:
cpu 0 hot: low 32, high 96, batch 16
HighMem per-cpu: empty

Free pages:        9196kB (1856kB HighMem)
Active:12382 inactive:280459 dirty:214 writeback:0 unstable:0 free:2299 slab:190221 mapped:12256 pagetables:122
DMA free:3588kB min:68kB low:84kB high:100kB active:0kB inactive:736kB present:16384kB pages_scanned:5706 \
all_unreclaimable? yes
protections[]: 0 0 0
Normal free:3752kB min:3756kB low:4692kB high:5632kB active:0kB inactive:368kB present:901120kB pages_scanned:6943 \
all_unreclaimable? yes
protections[]: 0 0 0
HighMem free:1856kB min:512kB low:640kB high:768kB active:49528kB inactive:1120732kB present:1179136kB \
pages_scanned:0 all_unreclaimable? no
protections[]: 0 0 0
DMA: 3*4kB 1*8kB 1*16kB 1*32kB 1*64kB 1*128kB 1*256kB 0*512kB 1*1024kB 1*2048kB 0*4096kB = 3588kB
Normal: 0*4kB 11*8kB 1*16kB 2*32kB 0*64kB 0*128kB 0*256kB 1*512kB 1*1024kB 1*2048kB 0*4096kB = 3752kB
HighMem: empty
Swap cache: add 2582, delete 2011, find 276/524, race 0+0
Free swap:       3610572kB
524160 pages of RAM
294784 pages of HIGHMEM
5496 reserved pages
22159 pages shared
571 pages swap cached
Out of Memory: Killed process 17905 (terad).
"""

CHILD_2_6_32 = """\
httpd invoked oom-killer: gfp_mask=0x200da, order=0, oom_adj=0, oom_score_adj=0
httpd cpuset=/ mems_allowed=0
Pid: 2101, comm: httpd Not tainted 2.6.32-431.el6.x86_64 #1
Call Trace:
 [<ffffffff810d05b1>] ? cpuset_print_task_mems_allowed+0x91/0xb0
 [<ffffffff81122960>] ? dump_header+0x90/0x1b0
 [<ffffffff81122de2>] ? oom_kill_process+0x82/0x2a0
 [<ffffffff81123220>] ? out_of_memory+0x220/0x3c0
Mem-Info:
Node 0 DMA per-cpu:
CPU    0: hi:    0, btch:   1 usd:   0
Node 0 DMA32 per-cpu:
CPU    0: hi:  186, btch:  31 usd:  31
active_anon:113001 inactive_anon:113110 isolated_anon:32
 active_file:12 inactive_file:40 isolated_file:0
 unevictable:0 dirty:0 writeback:0 unstable:0
 free:1171 slab_reclaimable:1710 slab_unreclaimable:3312
 mapped:60 shmem:71 pagetables:9911 bounce:0
Node 0 DMA free:4000kB min:60kB low:72kB high:88kB active_anon:5600kB inactive_anon:5700kB active_file:0kB \
inactive_file:0kB unevictable:0kB isolated(anon):0kB isolated(file):0kB present:15364kB mlocked:0kB \
pages_scanned:17000 all_unreclaimable? yes
lowmem_reserve[]: 0 994 994 994
Node 0 DMA32 free:684kB min:4000kB low:5000kB high:6000kB active_anon:446404kB inactive_anon:446740kB \
active_file:48kB inactive_file:160kB unevictable:0kB isolated(anon):128kB isolated(file):0kB present:1018016kB \
mlocked:0kB pages_scanned:1911 all_unreclaimable? no
lowmem_reserve[]: 0 0 0 0
Node 0 DMA: 4*4kB 2*8kB 2*16kB 1*32kB 1*64kB 0*128kB 1*256kB 1*512kB 1*1024kB 1*2048kB 0*4096kB = 4000kB
Node 0 DMA32: 171*4kB 0*8kB 0*16kB 0*32kB 0*64kB 0*128kB 0*256kB 0*512kB 0*1024kB 0*2048kB 0*4096kB = 684kB
330 total pagecache pages
201 pages in swap cache
Swap cache stats: add 1811034, delete 1810833, find 911200/1021210
Free swap  = 0kB
Total swap = 1023992kB
262126 pages RAM
6011 pages reserved
1021 pages shared
248011 pages non-shared
[ pid ]   uid  tgid total_vm      rss cpu oom_adj oom_score_adj name
[  401]     0   401     2662        2   0     -17         -1000 udevd
[ 2101]    48  2101    81020     5010   0       0             0 httpd
[ 2102]    48  2102    81021     5011   0       0             0 httpd
Out of memory: Kill process 2001 (httpd) score 14 or sacrifice child
Killed process 2102, UID 48, (httpd) total-vm:324084kB, anon-rss:20004kB, file-rss:40kB
"""

OLD_2_4 = """\
__alloc_pages: 0-order allocation failed (gfp=0x1d2/0)
__alloc_pages: 2-order allocation failed (gfp=0x1f0/0)
VM: killing process fetchnews
"""

MEMPOLICY_2_6_27 = """\
solver invoked oom-killer: gfp_mask=0x1200d2, order=0, oomkilladj=0
No available memory (MPOL_BIND): kill process 3110 (solver) score 913 or a child
Killed process 3110 (solver)
"""

CPUSET_5_8 = """\
runc:[2:INIT] invoked oom-killer: gfp_mask=0x500cc2(GFP_HIGHUSER|__GFP_ACCOUNT), order=0, oom_score_adj=0
CPU: 8 PID: 8291 Comm: runc:[2:INIT] Tainted: G        W I E     5.8.2-0-default #1 openSUSE
Mem-Info:
active_anon:392832 inactive_anon:182 isolated_anon:0
 free:15984948 free_pcp:73 free_cma:0
Node 4 active_anon:1448kB inactive_anon:0kB active_file:0kB inactive_file:0kB all_unreclaimable? no
Node 4 Movable free:13002140kB min:9140kB low:139160kB high:269180kB present:13002342kB managed:13002342kB \
free_cma:0kB
lowmem_reserve[]: 0 0 0 0 0
Node 4 Movable: 1*4kB (M) 0*8kB 0*16kB 1*32kB (M) 0*64kB 0*128kB 1*256kB (M) 1*512kB (M) 1*1024kB (M) 0*2048kB \
3174*4096kB (M) = 13002532kB
oom-kill:constraint=CONSTRAINT_CPUSET,nodemask=(null),cpuset=docker-99.scope,mems_allowed=4,global_oom,\
task_memcg=/system.slice/containerd.service,task=containerd,pid=4100,uid=0
Out of memory: Killed process 4100 (containerd) total-vm:4077036kB, anon-rss:51184kB, file-rss:26016kB, \
shmem-rss:0kB, UID:0 pgtables:676kB oom_score_adj:0
"""

PANIC_4_19 = """\
swapper/0 invoked oom-killer: gfp_mask=0x6040c0(GFP_KERNEL|__GFP_COMP), nodemask=(null), order=0, oom_score_adj=0
swapper/0 cpuset=/ mems_allowed=0
CPU: 0 PID: 1 Comm: swapper/0 Not tainted 4.19.57 #1
Mem-Info:
active_anon:0 inactive_anon:0 isolated_anon:0
 slab_reclaimable:2367 slab_unreclaimable:17814
 free:472 free_pcp:53 free_cma:0
Node 0 DMA32 free:1404kB min:1428kB low:1784kB high:2140kB active_anon:0kB inactive_anon:0kB present:261560kB \
managed:133752kB mlocked:0kB free_cma:0kB
lowmem_reserve[]: 0 0 0 0
Node 0 DMA32: 9*4kB (UM) 1*8kB (U) 15*16kB (UM) 1*32kB (M) 17*64kB (UM) 0*128kB 0*256kB 0*512kB 0*1024kB 0*2048kB \
0*4096kB = 1404kB
Free swap  = 0kB
Total swap = 0kB
65532 pages RAM
31973 pages reserved
Unreclaimable slab info:
Name                      Used          Total
kmalloc-2048           59164KB      59200KB
task_struct              516KB        516KB
[ pid ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name
Out of memory and no killable processes...
Kernel panic - not syncing: System is deadlocked on memory
"""

SYSRQ_5_13 = """\
sysrq: Manual OOM execution
kworker/0:2 invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=-1, oom_score_adj=0
CPU: 0 PID: 735 Comm: kworker/0:2 Not tainted 5.13.0-19-generic #19-Ubuntu
Workqueue: events moom_callback
Mem-Info:
active_anon:221 inactive_anon:14331 isolated_anon:0
 free:427891 free_pcp:373 free_cma:0
Node 0 DMA32 free:1696528kB min:44700kB low:55872kB high:67044kB present:2080608kB managed:2009816kB free_cma:0kB
lowmem_reserve[]: 0 0 0 0 0
Node 0 DMA32: 4*4kB (UME) 7*8kB (UME) 5*16kB (UM) 0*32kB 6*64kB (UE) 2*128kB (UM) 4*256kB (UE) 3*512kB (UME) \
2*1024kB (UE) 3*2048kB (UME) 411*4096kB (M) = 1695192kB
524158 pages RAM
17852 pages reserved
oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,\
task_memcg=/system.slice/unattended-upgrades.service,task=unattended-upgr,pid=651,uid=0
Out of memory: Killed process 651 (unattended-upgr) total-vm:108020kB, anon-rss:8380kB, file-rss:12548kB, \
shmem-rss:0kB, UID:0 pgtables:100kB oom_score_adj:0
"""

LARGE_PAGES_4_18 = """\
xfs_db invoked oom-killer: gfp_mask=0x6200ca(GFP_HIGHUSER_MOVABLE), nodemask=(null), order=0, oom_score_adj=-1000
xfs_db cpuset=/ mems_allowed=0
CPU: 2 PID: 977 Comm: xfs_db Kdump: loaded Not tainted 4.18.0-139.el8.ppc64le #1
Mem-Info:
active_anon:93769 inactive_anon:13540 isolated_anon:0
 free:2756 free_pcp:0 free_cma:0
Node 0 Normal free:176384kB min:180224kB low:225280kB high:270336kB present:8388608kB managed:8323072kB free_cma:0kB
Node 0 Normal: 1756*64kB (UM) 500*128kB (M) 0*256kB 0*512kB 0*1024kB 0*2048kB 0*4096kB 0*8192kB 0*16384kB = 176384kB
131072 pages RAM
Out of memory: Kill process 881 (python) score 700 or sacrifice child
Killed process 881 (python) total-vm:6400000kB, anon-rss:6100032kB, file-rss:0kB, shmem-rss:0kB
"""

ALL = {name: text for name, text in globals().items() if name.isupper() and isinstance(text, str)}
