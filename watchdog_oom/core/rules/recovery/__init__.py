"""A recovery: a transaction of steps, each verified by a later snapshot."""
