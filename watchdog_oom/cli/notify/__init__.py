"""``watchdog-oom notify``: follows the journal and tells people."""
