"""Who runs, read from /proc at a bounded price, and the signals and scores sent to them."""
