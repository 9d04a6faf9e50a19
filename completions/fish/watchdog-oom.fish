# Completion of watchdog-oom for fish: the installed command says what may come next.
_WATCHDOG_OOM_COMPLETE=fish_source watchdog-oom | source
