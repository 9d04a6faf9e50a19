"""watchdog-oom, the administrator's command: one file a subcommand."""
