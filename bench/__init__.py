"""Benchmarks, side by side with the peers that are installed: ``python -m bench [NAME]... [--write]``."""
