"""``report``: the morning page."""
