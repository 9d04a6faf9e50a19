"""Processes: read from /proc at a bounded cost, signalled, and their oom_score_adj set."""
