"""``watchdog-oom diagnose``: the kernel's OOM reports, read and judged for people."""
