"""Stale entries: renamed away, judged a second time, deleted as the spool's owner."""
